package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/telemetry"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// REL-25: a pipe that is full, with nobody who reads it.
func TestLogNeverWaitsForItsSinkAndSaysWhatWasLost(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	logs := telemetry.NewLogs(writer, noon)
	log := slog.New(slog.NewJSONHandler(logs, nil))
	const lines = 20_000

	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range lines / 4 {
				log.Info("a line of some length", "route", "/console/keys/:key")
			}
		})
	}
	all.Wait() // comes to an end only if nobody waited
	lost := logs.Lost()
	read := make(chan string)
	go func() { text, _ := io.ReadAll(reader); read <- string(text) }()
	logs.Close(t.Context())
	_ = writer.Close()
	text := <-read

	if lost == 0 || lost >= lines {
		t.Fatalf("%d of %d lines were lost", lost, lines)
	}
	if written := strings.Count(text, "a line of some length"); uint64(written)+lost != lines {
		t.Errorf("%d lines arrived and %d were lost, of %d", written, lost, lines)
	}
	if !strings.Contains(text, `"level":"WARN","msg":"lines of the log were lost, since nobody took them","lines":`) {
		t.Error("nothing is said of the loss", text[max(0, len(text)-300):])
	}
}

func TestLogLosesNothingWhileItsSinkTakesAll(t *testing.T) {
	reader, writer := io.Pipe()
	logs := telemetry.NewLogs(writer, noon)
	log := slog.New(slog.NewJSONHandler(logs, nil))
	read := make(chan string)
	go func() { text, _ := io.ReadAll(reader); read <- string(text) }()

	for i := range 500 {
		log.Info("a line", "number", i)
	}
	logs.Close(t.Context())
	_ = writer.Close()
	text := <-read

	if logs.Lost() != 0 || strings.Count(text, "\n") != 500 || !strings.Contains(text, `"number":499`) || strings.Contains(text, "lost") {
		t.Error(logs.Lost(), text)
	}
}

func TestEndDoesNotWaitForASinkThatTakesNothing(t *testing.T) {
	_, writer := io.Pipe()
	logs := telemetry.NewLogs(writer, noon)
	_, _ = logs.Write([]byte("stuck\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()

	logs.Close(ctx)

	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("it did not wait at all")
	}
	_ = writer.Close()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLinesThatTheSinkRefusesCountAsLost(t *testing.T) {
	logs := telemetry.NewLogs(broken{}, noon)

	_, _ = logs.Write([]byte("one\n"))
	logs.Close(t.Context())
	_, _ = logs.Write([]byte("after the end\n"))

	if logs.Lost() != 2 {
		t.Error(logs.Lost())
	}
}

func TestAValueOfTheLogIsCutWhenItIsLong(t *testing.T) {
	var sink strings.Builder
	log := slog.New(telemetry.NewLogHandler(&sink))
	long := strings.Repeat("ä", 1<<20)

	log.Error("failed", "error", errors.New(long), "name", long, "route", "/console/keys/:key", "stack", long, "n", 7)

	said := sink.String()
	if len(said) > 24<<10 || !strings.Contains(said, `"route":"/console/keys/:key"`) || !strings.Contains(said, `"n":7`) || strings.Count(said, "…") != 3 {
		t.Errorf("%d bytes: %.200s", len(said), said)
	}
}
