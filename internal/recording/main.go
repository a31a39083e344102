// Command recording draws what a program printed as a terminal in which it appears line
// by line: an SVG that moves by itself, without a script.
//
//	go run ./internal/recording 'make demo' example/testdata/output.txt docs/demo.svg
package main

import (
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: recording COMMAND OUTPUT.txt DRAWING.svg")
		os.Exit(2) //nolint:forbidigo // this is main
	}
	if err := record(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func record(command, output, drawing string) error {
	text, err := os.ReadFile(output) //nolint:gosec // named by the caller
	if err != nil {
		return err
	}
	return os.WriteFile(drawing, []byte(draw(command, string(text))), 0o644) //nolint:gosec // a file of the repository
}

// The terminal, in characters, and the size of one in pixels. The font of the reader may
// be a little wider or narrower.
const (
	columns, rows     = 92, 24
	charWidth, height = 8, 19
	margin, bar       = 16, 34
)

// How long a line takes to come, and how long the last state stays, in seconds.
const (
	pause = 0.35
	rest  = 8.0
)

// draw returns the drawing. Without animation, as readers may prefer, it shows the end.
func draw(command, output string) string {
	output = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' {
			return -1 // no character of XML
		}
		return r
	}, output)
	lines := append([]string{"$ " + command}, strings.Split(strings.TrimRight(output, "\n"), "\n")...)
	total := float64(len(lines))*pause + rest
	width, tall := columns*charWidth+2*margin, rows*height+bar+margin
	bottom := max(0, len(lines)-rows) * height

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s, and what it prints">`+"\n",
		width, tall, width, tall, html.EscapeString(command))
	b.WriteString("<style>\n" +
		"text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}\n" +
		".p{fill:#7ee787}.s{fill:#fff;font-weight:600}.c{fill:#79c0ff}.e{fill:#ffa198}\n" +
		"@media (prefers-reduced-motion:no-preference){\n")
	fmt.Fprintf(&b, "text,g{animation:%gs step-end infinite}\n@keyframes scroll{0%%{transform:none}", total)
	at := func(line int) float64 { return 100 * float64(line) * pause / total } // of the whole time, in percent
	for i := rows; i < len(lines); i++ {
		fmt.Fprintf(&b, "%.2f%%{transform:translateY(-%dpx)}", at(i), (i-rows+1)*height)
	}
	b.WriteString("}\n")
	for i := 1; i < len(lines); i++ {
		fmt.Fprintf(&b, "@keyframes l%d{0%%{opacity:0}%.2f%%{opacity:1}}\n", i, at(i))
	}
	b.WriteString("}\n</style>\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, tall)
	for i, colour := range []string{"#ff5f56", "#ffbd2e", "#27c93f"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="17" r="5.5" fill="%s"/>`+"\n", margin+6+i*18, colour)
	}
	fmt.Fprintf(&b, `<svg y="%d" width="%d" height="%d"><g style="transform:translateY(-%dpx);animation-name:scroll">`+"\n", bar, width, rows*height, bottom)
	for i, line := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" style="animation-name:l%d">%s</text>`+"\n", margin, i*height+14, i, coloured(line))
	}
	b.WriteString("</g></svg>\n</svg>\n")
	return b.String()
}

var step = regexp.MustCompile(`^(\S.*?)(  \(.*\))?$`)

// coloured returns a line with its parts told apart: the prompt, a step and its cost,
// what the step says.
func coloured(line string) string {
	if command, ok := strings.CutPrefix(line, "$ "); ok {
		return `<tspan class="p">$</tspan> ` + html.EscapeString(command)
	}
	if m := step.FindStringSubmatch(line); m != nil {
		return `<tspan class="s">` + html.EscapeString(m[1]) + `</tspan><tspan class="c">` + html.EscapeString(strings.TrimSuffix(m[2], "  (…)")) + `</tspan>`
	}
	class := ""
	if strings.Contains(line, ": must ") || strings.Contains(line, "already taken") {
		class = ` class="e"`
	}
	return `<tspan` + class + `>` + html.EscapeString(line) + `</tspan>`
}
