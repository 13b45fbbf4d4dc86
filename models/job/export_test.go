package job

import "time"

// BeatBy has leases renewed at these beats alone.
func (w *Worker) BeatBy(beats <-chan time.Time) {
	w.beats = func() (<-chan time.Time, func()) { return beats, func() {} }
}
