package components

import (
	"context"
	"math"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/internal/text"
)

// Series is a chart over time: what was let through (Good) stacked under what was refused (Bad), in equal steps.
// The server draws it; the table of its figures stands beneath, and a script reads that for its hover.
type Series struct {
	ID          string // unique on the page
	Title       string
	Description string // one sentence with the finding: "812 of 86,402 calls were refused."
	GoodLabel   string // default "Let through"
	BadLabel    string // default "Refused"
	Empty       string // shown in place of the bars when all are zero
	Points      []Point
}

// Point is one step. Tick, unless it is empty, stands under the axis where there is room, Label in the table and the hover.
type Point struct {
	Tick  string
	Label string
	Good  int64
	Bad   int64
}

// BarChart is a list of figures as horizontal bars, widest first as given.
type BarChart struct {
	Title string // names the list
	Empty string // sentence for no items
	Items []Bar
}

// Bar is one line. Shown is Value formatted; empty formats it as a number.
type Bar struct {
	Label string
	Href  string
	Code  bool // monospace label
	Value int64
	Shown string
	Tone  Tone
}

const (
	plotHeight = 180 // px of the plot; axis labels stand beneath it
	plotTop    = 8
	axisHeight = 24
	maxTicks   = 7
)

// column is the drawn form of a Point: positions in percent of the width and pixels of the height.
type column struct {
	X, Width        string
	GoodY, GoodH    string
	BadY, BadH      string
	HasGood, HasBad bool
}

type gridline struct {
	Y     string
	TextY string
	Label string
}

type tick struct {
	X, Anchor, Label string
	Minor            bool
}

func (s Series) max() int64 {
	var most int64
	for _, p := range s.Points {
		most = max(most, p.Good+p.Bad)
	}
	return most
}

// ceiling rounds up to a figure that divides well: 1, 2 or 5 times a power of ten, times up to four steps.
func ceiling(most int64) (top, step int64) {
	if most < 4 {
		return 4, 1
	}
	raw := float64(most) / 4
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if size := int64(math.Ceil(unit * m)); size*4 >= most {
			return ((most + size - 1) / size) * size, size
		}
	}
	return most, most
}

func (s Series) columns() []column {
	top, _ := ceiling(s.max())
	n := float64(len(s.Points))
	all := make([]column, 0, len(s.Points))
	for i, p := range s.Points {
		good, bad := height(p.Good, top), height(p.Bad, top)
		c := column{X: percent((float64(i) + .12) / n), Width: percent(.76 / n), HasGood: p.Good > 0, HasBad: p.Bad > 0}
		base := float64(plotTop + plotHeight)
		c.GoodY, c.GoodH = px(base-good), px(good)
		c.BadY, c.BadH = px(base-good-bad), px(bad)
		all = append(all, c)
	}
	return all
}

// height is in pixels; what is not zero is never invisible.
func height(v, top int64) float64 {
	if v <= 0 || top <= 0 {
		return 0
	}
	return math.Max(1.5, float64(v)/float64(top)*plotHeight)
}

func (s Series) gridlines(ctx context.Context) []gridline {
	top, step := ceiling(s.max())
	var all []gridline
	for v := int64(0); v <= top; v += step {
		y := plotTop + plotHeight - float64(v)/float64(top)*plotHeight
		all = append(all, gridline{Y: px(y), TextY: px(y + 4), Label: text.CompactLike(ctx, v, top)})
	}
	return all
}

// ticks picks at most seven of the points that have a label for the axis, evenly; every other one goes on a narrow screen.
func (s Series) ticks() []tick {
	n := len(s.Points)
	var labelled []int
	for i, p := range s.Points {
		if p.Tick != "" {
			labelled = append(labelled, i)
		}
	}
	every := max(1, (len(labelled)+maxTicks-1)/maxTicks)
	var all []tick
	for at := 0; at < len(labelled); at += every {
		i := labelled[at]
		t := tick{X: percent((float64(i) + .5) / float64(n)), Anchor: "middle", Label: s.Points[i].Tick, Minor: len(all)%2 == 1}
		if i == 0 {
			t.X, t.Anchor = percent(.12/float64(n)), "start"
		}
		all = append(all, t)
	}
	return all
}

func (b BarChart) share(item Bar) string {
	var most int64 = 1
	for _, i := range b.Items {
		most = max(most, i.Value)
	}
	if item.Value <= 0 {
		return "0"
	}
	return percent(math.Max(.004, float64(item.Value)/float64(most)))
}

func (i Bar) shown(ctx context.Context) string {
	if i.Shown != "" {
		return i.Shown
	}
	return text.Number(ctx, i.Value)
}

const (
	sparkWidth  = 96
	sparkHeight = 24
)

// sparkPath draws values as the path of a line within the sparkline's box.
func sparkPath(values []int64) string {
	if len(values) < 2 {
		return ""
	}
	var most int64 = 1
	for _, v := range values {
		most = max(most, v)
	}
	path := make([]byte, 0, 12*len(values))
	for i, v := range values {
		letter := byte('L')
		if i == 0 {
			letter = 'M'
		}
		x := 1 + float64(i)/float64(len(values)-1)*(sparkWidth-2)
		y := sparkHeight - 2 - float64(v)/float64(most)*(sparkHeight-4)
		path = append(path, letter)
		path = strconv.AppendFloat(path, x, 'f', 1, 64)
		path = append(path, ' ')
		path = strconv.AppendFloat(path, y, 'f', 1, 64)
	}
	return string(path)
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 2, 64) + "%" }

func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
