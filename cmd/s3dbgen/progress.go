package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// progress shows how far a transfer is: a bar with rate, remaining time and the
// price of the requests so far on a terminal, and otherwise a line for each 10,000
// documents.
type progress struct {
	w        io.Writer
	bar      *progressbar.ProgressBar // nil without a terminal
	requests *s3db.RequestCounter
	verb     string // "exported"
	n        int
}

// linesEvery is the number of documents between two lines.
const linesEvery = 10_000

// newProgress counts to total; 0 is not known.
func newProgress(w io.Writer, terminal bool, requests *s3db.RequestCounter, verb string, total int) *progress {
	p := &progress{w: w, requests: requests, verb: verb}
	if terminal {
		if total == 0 {
			total = -1
		}
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w), progressbar.OptionSetItsString("documents"), progressbar.OptionShowIts(),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription(p.price()))
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a file descriptor fits an int
}

// price is what the requests so far cost in S3.
func (p *progress) price() string { return fmt.Sprintf("$%.4f", p.requests.Counts().Dollars()) }

// to notes that n documents are done. A line that cannot be written is no reason
// to end the transfer.
func (p *progress) to(n int) {
	before := p.n
	p.n = n
	switch {
	case p.bar != nil:
		p.bar.Describe(p.price())
		_ = p.bar.Set(n)
	case n/linesEvery > before/linesEvery:
		_, _ = fmt.Fprintf(p.w, "%s %d documents, %s\n", p.verb, n, p.price())
	}
}

// message prints a line beside the bar.
func (p *progress) message(format string, args ...any) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	_, _ = fmt.Fprintf(p.w, format+"\n", args...)
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
