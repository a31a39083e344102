package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
)

func newWatch() *cobra.Command {
	var g generation
	command := &cobra.Command{
		Use:                   "watch [-f schema.yaml] [-o DIR]",
		DisableFlagsInUseLine: true,
		Short:                 "Write the Go package anew whenever the schema is saved",
		Long: `Watch does what generate does, at once and after each change of the schema or its
lock file, until it is interrupted (Ctrl-C). Mistakes are shown with their places
and stay until they are put right; meanwhile the package stays as it was. On a
terminal only the last result is shown.

The schema may be replaced, as editors do, removed and made again.`,
		Example: `  s3dbgen watch
  s3dbgen watch -f schemas/shop.yaml -o internal/shop`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return g.watch(command.Context(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	command.Flags().StringVarP(&g.schema, "file", "f", defaultSchema, "the schema")
	command.Flags().StringVarP(&g.output, "output", "o", "", "the `directory` of the package")
	return command
}

// settleTime is how long a state that cannot be generated from may be that of a file
// which is being written: it is told when nothing changes for so long. A good state is
// used at once.
const settleTime = 50 * time.Millisecond

// watch watches the files of the schema itself.
func (g *generation) watch(ctx context.Context, stdout, stderr io.Writer) error {
	if g.schema == standardInput {
		return usageError{errors.New("watch needs a file")}
	}
	files, err := watchFiles(ctx, g.schema, gen.LockPath(g.schema))
	if err != nil {
		return err
	}
	defer files.close()
	w := &watching{generation: g, stdout: stdout, stderr: stderr, clear: isTerminal(stdout) && isTerminal(stderr)}
	return w.run(ctx, files.changed, files.failed)
}

// watching regenerates whenever it is told that something may have changed.
type watching struct {
	*generation

	stdout, stderr io.Writer
	clear          bool // the screen, before a new result

	last    string // what was generated from, or could not be
	pending error  // why it could not, not yet told
}

// run works until ctx is done, which is no error, or watching fails. Changed has room
// for one value, so that a change during the work is seen after it.
func (w *watching) run(ctx context.Context, changed <-chan struct{}, failed <-chan error) error {
	if _, err := fmt.Fprintf(w.stdout, "watching %s; Ctrl-C ends it\n", w.schema); err != nil {
		return err
	}
	settled := time.NewTimer(0)
	settled.Stop()
	defer settled.Stop()
	for {
		if err := w.regenerate(ctx); err != nil {
			return err
		}
		if w.pending != nil {
			settled.Reset(settleTime)
		} else {
			settled.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-changed:
		case <-settled.C:
			if err := w.tell(); err != nil {
				return err
			}
		}
	}
}

// regenerate writes the package when the schema is not the one it was last written
// from. Why that cannot be is left in w.pending. The error is one of the output.
func (w *watching) regenerate(ctx context.Context) error {
	src, err := readSource(w.schema, nil)
	if err != nil {
		w.became(err.Error(), err)
		return nil
	}
	if !w.became(stateOf(src.text, src.lockText), nil) {
		return nil
	}
	var warnings bytes.Buffer
	p, err := w.plan(ctx, src, &warnings)
	if err == nil {
		err = p.Apply()
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the loop ends
	}
	if err != nil {
		w.pending = err
		return nil //nolint:nilerr // it is told when the editor has come to rest
	}
	w.last = stateOf(src.text, p.lockText)
	if err := w.clearScreen(); err != nil {
		return err
	}
	if _, err := w.stderr.Write(warnings.Bytes()); err != nil {
		return err
	}
	return reportWritten(w.stdout, p.Plan, p.dir)
}

// stateOf names what the package is generated from.
func stateOf(text, lockText []byte) string { return string(text) + "\x00" + string(lockText) }

// became notes what there is to generate from, or why there is nothing, and reports
// whether that is new.
func (w *watching) became(state string, why error) bool {
	if state == w.last {
		return false
	}
	w.last, w.pending = state, why
	return true
}

// tell prints why the package could not be written.
func (w *watching) tell() error {
	err := w.pending
	w.pending = nil
	if clearErr := w.clearScreen(); clearErr != nil {
		return clearErr
	}
	if errors.Is(err, fs.ErrNotExist) {
		_, err = fmt.Fprintf(w.stderr, "s3dbgen: %s is missing; waiting for it\n", w.schema)
		return err
	}
	report(w.stderr, nil, err)
	return nil
}

// clearScreen empties the terminal, so that it shows one result.
func (w *watching) clearScreen() error {
	if !w.clear {
		return nil
	}
	_, err := io.WriteString(w.stdout, "\x1b[H\x1b[2J")
	return err
}

// watchedFiles tell of changes of some files.
type watchedFiles struct {
	changed chan struct{} // holds a value when something may have changed since it was read
	failed  chan error    // gets at most one error, after which nothing is told
	close   func()
}

// watchFiles begins to watch files, which need not exist. The directories are watched
// and not the files, for many editors put a new file into the place of the old one;
// those behind symbolic links as well.
func watchFiles(ctx context.Context, paths ...string) (*watchedFiles, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	names, dirs := map[string]bool{}, map[string]bool{}
	for _, path := range paths {
		for _, path := range behindLinks(path) {
			names[path] = true
			dirs[filepath.Dir(path)] = true
		}
	}
	for dir := range dirs {
		if err := watcher.Add(dir); err != nil {
			_ = watcher.Close() // the first error is the one to report
			return nil, fmt.Errorf("watch %s: %w", dir, err)
		}
	}
	w := &watchedFiles{changed: make(chan struct{}, 1), failed: make(chan error, 1)}
	done := make(chan struct{})
	w.close = func() {
		_ = watcher.Close() // nothing is lost
		<-done
	}
	go func() {
		defer close(done)
		for {
			select {
			case event, ok := <-watcher.Events:
				switch {
				case !ok:
					return
				case dirs[event.Name] && event.Has(fsnotify.Remove|fsnotify.Rename):
					w.failed <- fmt.Errorf("%s: the directory is gone", event.Name)
					return
				case names[filepath.Clean(event.Name)]:
					w.change()
				}
			case err, ok := <-watcher.Errors:
				switch {
				case !ok:
					return
				case errors.Is(err, fsnotify.ErrEventOverflow): // some were lost
					w.change()
				default:
					w.failed <- err
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return w, nil
}

// change notes that something may have changed.
func (w *watchedFiles) change() {
	select {
	case w.changed <- struct{}{}:
	default: // noted already
	}
}

// behindLinks returns a path, and those that it leads to by symbolic links.
func behindLinks(path string) []string {
	paths := []string{filepath.Clean(path)}
	for range 10 { // a circle of links has no end
		next, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
		paths = append(paths, filepath.Clean(path))
	}
	return paths
}
