// Command trial does what README.md and docs/start.md tell a new user to do, word for
// word, and says how long each step takes and how much of that is time of processors. Each trial begins in an empty folder with empty
// caches: modules are downloaded, and everything is compiled. The module itself comes from
// a proxy that is made of the checkout.
//
//	go run ./internal/trial          # prints the table
//	go run ./internal/trial -write   # and writes it into docs/start.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/s3dbgen/s3dbgen/internal/release"
	"github.com/s3dbgen/s3dbgen/internal/snippets"
)

// atMost is how long a trial may take.
const atMost = 5 * time.Minute

// The table stands between these lines of the page.
const (
	tablePage   = "docs/start.md"
	tableBegins = "<!-- trial: written by make trial -->\n"
	tableEnds   = "<!-- end -->\n"
)

func main() {
	write := flag.Bool("write", false, "write the table into "+tablePage)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *write); err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		os.Exit(1)
	}
}

// trial is a part of a page that leads from nothing to a running client.
type trial struct{ page, heading string }

func trials() []trial {
	return []trial{
		{"README.md", "Five minutes"},
		{tablePage, "A new project"},
		{tablePage, "In a module that you have"},
	}
}

func run(ctx context.Context, out io.Writer, write bool) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("| | step | seconds | of them CPU |\n|---|---|---|---|\n")
	var slow error
	for _, x := range trials() {
		steps, err := x.run(ctx, root, out)
		if err != nil {
			return err
		}
		var took, cpu time.Duration
		for i, s := range steps {
			took, cpu = took+s.Took, cpu+s.CPU
			from := ""
			if i == 0 {
				from = fmt.Sprintf("%s, “%s”", filepath.Base(x.page), x.heading)
			}
			fmt.Fprintf(&table, "| %s | `%s` | %.1f | %.1f |\n", from, s.Command, s.Took.Seconds(), s.CPU.Seconds())
		}
		fmt.Fprintf(&table, "| | all | %.1f | %.1f |\n", took.Seconds(), cpu.Seconds())
		fmt.Fprintf(out, "%8.1fs %8.1fs  in all\n\n", took.Seconds(), cpu.Seconds())
		if took > atMost {
			slow = errors.Join(slow, fmt.Errorf("%s, %q took %s, more than %s", x.page, x.heading, took.Round(time.Second), atMost))
		}
	}
	if slow != nil || !write {
		return slow
	}
	return insert(filepath.Join(root, filepath.FromSlash(tablePage)), table.String())
}

// run does what the page tells, and returns the steps.
func (x trial) run(ctx context.Context, root string, out io.Writer) (steps []snippets.Ran, err error) {
	pages, err := snippets.Read(root, x.page)
	if err != nil {
		return nil, err
	}
	section, err := pages[0].Section(x.heading)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "trial")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, removeAll(home)) }()
	work := filepath.Join(home, "work")
	if err := os.Mkdir(work, 0o750); err != nil {
		return nil, err
	}
	env, err := environment(ctx, root, home)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%s, %q\n", x.page, x.heading)
	session := &snippets.Session{Dir: work, Env: env, Ran: func(r snippets.Ran) {
		fmt.Fprintf(out, "%8.1fs %8.1fs  %s\n", r.Took.Seconds(), r.CPU.Seconds(), r.Command)
		steps = append(steps, r)
	}}
	return steps, session.Run(ctx, section)
}

// environment is that of a user who has just installed Go: nothing is downloaded and
// nothing compiled. What is released is the checkout.
func environment(ctx context.Context, root, home string) ([]string, error) {
	proxy, err := release.Proxy(ctx, root, module.Version{Path: "github.com/s3dbgen/s3dbgen", Version: "v0.1.0"}, filepath.Join(home, "proxy"))
	if err != nil {
		return nil, err
	}
	configured, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOPROXY: %w", err)
	}
	return append(os.Environ(),
		"HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "GOPATH="+filepath.Join(home, "go"),
		"GOMODCACHE="+filepath.Join(home, "go", "pkg", "mod"), "GOCACHE="+filepath.Join(home, "cache", "go-build"),
		"GOPROXY="+proxy+","+strings.TrimSpace(string(configured)), "GONOSUMDB=github.com/s3dbgen/s3dbgen,"+os.Getenv("GONOSUMDB"),
		"GOWORK=off", "GOFLAGS="), nil
}

// removeAll removes a directory with a module cache, whose files are read-only.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700) //nolint:gosec // a directory of ours
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// insert writes the table into the page.
func insert(page, table string) error {
	text, err := os.ReadFile(page) //nolint:gosec // a page of the repository
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		return fmt.Errorf("%s has no place for the table", page)
	}
	return os.WriteFile(page, []byte(before+tableBegins+table+tableEnds+after), 0o644) //nolint:gosec // documents are for everyone
}
