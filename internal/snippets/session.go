package snippets

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Session runs the shell blocks of one page as somebody would who reads it from top
// to bottom, and writes the files that it names on the way.
//
// Each line is a command; one that ends in a backslash goes on. "cd DIR" holds for the
// commands that follow. A command must succeed, unless the page shows what it prints. Where a text block follows, it is
// what the last command printed, to standard output and standard error.
type Session struct {
	Dir string   // where commands run
	Env []string // of the commands, as in [exec.Cmd]
	// Real replaces what a page says by what is there, before a command runs, and the
	// other way round in what it printed: a bucket of a test server, for example. Pairs
	// of old and new text.
	Real []string
	// Ran, when not nil, is told each command that the page shows.
	Ran func(Ran)
}

// Ran is a command that was run.
type Ran struct {
	Command string
	Took    time.Duration
	CPU     time.Duration // of all its processes, user and system
}

// HasSession reports whether a page has shell blocks.
func (p *Page) HasSession() bool {
	return slices.ContainsFunc(p.Blocks, func(b *Block) bool { return b.Language == "sh" && b.Unchecked == "" })
}

// Names reports whether commands of a page contain a text.
func (p *Page) Names(text string) bool { return strings.Contains(p.sessionText(), text) }

func (p *Page) sessionText() string {
	var b strings.Builder
	for _, block := range p.Blocks {
		if block.Unchecked == "" && (block.Language == "sh" || block.File != "") {
			for _, given := range block.Given {
				b.WriteString(given.Text)
			}
		}
		if block.Unchecked == "" && block.Language == "sh" {
			b.WriteString(block.Text)
		}
	}
	return b.String()
}

// Run runs the blocks of a page, after which Dir is where its commands have ended. It ends at the first problem, on which the others
// could depend, and returns it with page and line, or nil.
func (s *Session) Run(ctx context.Context, page *Page) error {
	for _, block := range page.Blocks {
		if block.Unchecked != "" || block.Language != "sh" && block.File == "" {
			continue
		}
		for _, given := range block.Given {
			if err := s.commands(ctx, block.Page, given.Line, given.Text, nil, nil); err != nil {
				return err
			}
		}
		if block.Language == "sh" {
			if err := s.commands(ctx, block.Page, block.Line, block.Text, block.Output, s.Ran); err != nil {
				return err
			}
		} else {
			file := filepath.Join(s.Dir, filepath.FromSlash(block.File))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(block.Text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// commands runs commands that begin at a line of a page.
func (s *Session) commands(ctx context.Context, page string, line int, text string, output *Block, ran func(Ran)) error {
	all := commands(line, text)
	for i, c := range all {
		began := time.Now()
		out, cpu, err := s.command(ctx, c.text)
		if ran != nil {
			ran(Ran{Command: c.text, Took: time.Since(began), CPU: cpu})
		}
		if output != nil && i == len(all)-1 {
			if matches(output.Text, out) {
				continue // an error may be what is shown
			}
			err = fmt.Errorf("%w, which is\n%s", ErrOutput, output.Text)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %s: %w\n%s", page, c.line, c.text, err, out)
		}
	}
	return nil
}

// command runs a command and returns what it printed, and the time of processors it took.
func (s *Session) command(ctx context.Context, text string) (string, time.Duration, error) {
	text = strings.NewReplacer(s.Real...).Replace(text)
	if dir, ok := strings.CutPrefix(text, "cd "); ok && !strings.ContainsAny(dir, " ;&|") {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(s.Dir, filepath.FromSlash(dir))
		}
		s.Dir = dir
		_, err := os.Stat(dir)
		return "", 0, err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", text) //nolint:gosec // what pages tell people to run
	cmd.Dir, cmd.Env = s.Dir, s.Env
	out, err := cmd.CombinedOutput()
	var back []string
	for i := 0; i < len(s.Real); i += 2 {
		back = append(back, s.Real[i+1], s.Real[i])
	}
	cpu := time.Duration(0)
	if cmd.ProcessState != nil {
		cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return strings.NewReplacer(back...).Replace(downloads.ReplaceAllString(string(out), "")), cpu, err
}

// downloads is what the go command says of modules that nobody had yet. No page shows it.
var downloads = regexp.MustCompile(`(?m)^go: downloading .*\n`)

// shellLine is a command with the line it begins on.
type shellLine struct {
	line int
	text string
}

func commands(line int, text string) []shellLine {
	var all []shellLine
	joined := ""
	for l := range strings.Lines(text) {
		if joined == "" {
			all = append(all, shellLine{line: line})
		}
		line++
		joined += l
		if strings.HasSuffix(l, "\\\n") {
			continue
		}
		last := &all[len(all)-1]
		last.text, joined = strings.TrimSpace(joined), ""
		if last.text == "" || strings.HasPrefix(last.text, "#") {
			all = all[:len(all)-1]
		}
	}
	return all
}
