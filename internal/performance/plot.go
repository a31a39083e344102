package main

import (
	"fmt"
	"math"
	"strings"
)

// plots draws the plots of the page, by the names of their files.
func plots(r results) (map[string]string, error) {
	files := map[string]string{}
	for _, p := range []struct {
		file, title, latency, unit string
		scale                      float64
	}{
		{"requests.svg", "Requests by number of documents", "0s", "requests", 1},
		{"time.svg", "Seconds by number of documents, memory store", "0s", "ns/op", 1e-9},
		{"latency.svg", "Seconds by number of documents, 20 ms for each request", "20ms", "ns/op", 1e-9},
		{"memory.svg", "KiB held while it runs, by number of documents", "0s", "held-KiB", 1},
	} {
		chart := lineChart{title: p.title}
		for _, op := range operations() {
			if op.key == "write" && p.unit == "held-KiB" {
				continue
			}
			values, err := r.growth(op.key, p.latency, p.unit)
			if err != nil {
				return nil, err
			}
			line := line{label: op.label}
			for i, v := range values {
				line.points = append(line.points, point{float64(sizes()[i]), max(v*p.scale, 1e-4)})
			}
			chart.lines = append(chart.lines, line)
		}
		files[p.file] = chart.svg()
	}
	bars := barChart{title: "Documents per second, 64 at a time, on one server", names: []string{"client", "loop over the SDK"}}
	for _, op := range compared() {
		ours, err := r.value("Many", op.key+"/s")
		if err != nil {
			return nil, err
		}
		bare, err := r.value("Many", op.key+"-bare/s")
		if err != nil {
			return nil, err
		}
		bars.groups = append(bars.groups, group{op.label, []float64{ours, bare}})
	}
	files["bare.svg"] = bars.svg()
	return files, nil
}

// colors are told apart on light and dark grounds, and by the color-blind (Okabe and
// Ito).
func colors() []string { return []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00"} }

// Sizes of a plot in pixels.
const (
	width, height            = 640, 360
	left, right, top, bottom = 80, 190, 44, 44
)

// canvas collects the elements of a picture.
type canvas struct{ strings.Builder }

func newCanvas(title string) *canvas {
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#777">`+"\n", width, height)
	c.text(left, 22, "start", "#777", title)
	return c
}

func (c *canvas) text(x, y float64, anchor, color, text string) {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(text)
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, text)
}

func (c *canvas) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(c, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#777" stroke-opacity="0.3"/>`+"\n", x1, y1, x2, y2)
}

func (c *canvas) svg() string { return c.String() + "</svg>\n" }

// lineChart has two logarithmic axes.
type lineChart struct {
	title string
	lines []line
}

type line struct {
	label  string
	points []point
}

type point struct{ x, y float64 }

func (l lineChart) svg() string {
	c := newCanvas(l.title)
	low, high := bounds(l.lines, func(p point) float64 { return p.x })
	bottomY, topY := bounds(l.lines, func(p point) float64 { return p.y })
	x := func(v float64) float64 { return left + (math.Log10(v)-low)/(high-low)*(width-left-right) }
	y := func(v float64) float64 {
		return height - bottom - (math.Log10(v)-bottomY)/(topY-bottomY)*(height-top-bottom)
	}
	for e := low; e <= high; e++ {
		v := math.Pow(10, e)
		c.line(x(v), top, x(v), height-bottom)
		c.text(x(v), height-bottom+18, "middle", "#777", number(v))
	}
	for e := bottomY; e <= topY; e++ {
		v := math.Pow(10, e)
		c.line(left, y(v), width-right, y(v))
		c.text(left-8, y(v)+4, "end", "#777", number(v))
	}
	used := []float64{}
	for i, line := range l.lines {
		color := colors()[i%len(colors())]
		var path strings.Builder
		for k, p := range line.points {
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[k == 0], x(p.x), y(p.y))
			fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(p.x), y(p.y), color)
		}
		fmt.Fprintf(c, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), color)
		last := line.points[len(line.points)-1]
		used = append(used, free(used, y(last.y)))
		c.text(width-right+10, used[i]+4, "start", color, line.label)
	}
	return c.svg()
}

// bounds returns the powers of ten around all values.
func bounds(lines []line, of func(point) float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, line := range lines {
		for _, p := range line.points {
			low, high = min(low, math.Floor(math.Log10(of(p)))), max(high, math.Ceil(math.Log10(of(p))))
		}
	}
	return low, max(high, low+1)
}

// free returns a height near y at which no label stands.
func free(used []float64, y float64) float64 {
	const room = 15
	for step := 0.0; ; step += room / 3 {
		for _, at := range []float64{y + step, y - step} {
			taken := false
			for _, u := range used {
				taken = taken || math.Abs(u-at) < room
			}
			if !taken {
				return at
			}
		}
	}
}

// number writes a power of ten.
func number(v float64) string {
	if v >= 1 {
		return thousands(v)
	}
	return strings.TrimRight(fmt.Sprintf("%.6f", v), "0")
}

// barChart compares values within groups.
type barChart struct {
	title  string
	names  []string // of the values of each group
	groups []group
}

type group struct {
	label  string
	values []float64
}

func (b barChart) svg() string {
	c := newCanvas(b.title)
	most := 0.0
	for _, g := range b.groups {
		for _, v := range g.values {
			most = max(most, v)
		}
	}
	room := float64(height-top-bottom) / float64(len(b.groups))
	bar := room * 0.7 / float64(len(b.names))
	for i, g := range b.groups {
		at := top + room*float64(i)
		c.text(left-8, at+room*0.35+4, "end", "#777", g.label)
		for k, v := range g.values {
			long := v / most * (width - left - right)
			fmt.Fprintf(c, `<rect x="%d" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", left, at+bar*float64(k), long, bar-2, colors()[k])
			c.text(left+long+8, at+bar*(float64(k)+0.5)+4, "start", colors()[k], thousands(v)+" "+b.names[k])
		}
	}
	return c.svg()
}
