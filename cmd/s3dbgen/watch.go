package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/s3dbgen/s3dbgen/gen"
)

func newWatch() *cobra.Command {
	var g generation
	command := &cobra.Command{
		Use:                   "watch [-f schema.yaml] [-o DIR]",
		DisableFlagsInUseLine: true,
		Short:                 "Write the Go package anew whenever the schema is saved",
		Long: `Watch does what generate does, at once and after each change of the schema, its
lock file, the sources of types that it names with goType, or what its plugins read,
until it is interrupted (Ctrl-C). Mistakes are shown with their places and stay until
they are put right; meanwhile the package stays as it was. On a terminal only the last
result is shown.

The schema may be replaced, as editors do, removed and made again. Of plugins that do not
say what they read, with "reads", nothing is watched.`,
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

// watch watches the files of the schema, and what else its generation depends on.
func (g *generation) watch(ctx context.Context, stdout, stderr io.Writer) error {
	if g.schema == standardInput {
		return usageError{errors.New("watch needs a file")}
	}
	files, err := watchFiles(ctx, g.schema, gen.LockPath(g.schema))
	if err != nil {
		return err
	}
	defer files.close()
	w := &watching{generation: g, stdout: stdout, stderr: stderr, clear: isTerminal(stdout) && isTerminal(stderr), follow: files.follow}
	return w.run(ctx, files.changed, files.failed)
}

// watching regenerates whenever it is told that something may have changed.
type watching struct {
	*generation

	stdout, stderr io.Writer
	clear          bool                    // the screen, before a new result
	follow         func(gen.Sources) error // has changes of sources told as well

	sources gen.Sources // those that the last generation depended on
	last    string      // what was generated from, or could not be
	pending error       // why it could not, not yet told
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

// regenerate writes the package when what it depends on is not what it was last written
// from. Why that cannot be is left in w.pending. The error is one of the output.
func (w *watching) regenerate(ctx context.Context) error {
	src, err := readSource(w.schema, nil)
	if err != nil {
		w.became(err.Error(), err)
		return nil
	}
	var warnings bytes.Buffer
	p, read, err := w.planSettled(ctx, src, &warnings)
	if err == nil && p != nil {
		err = p.Apply()
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the loop ends
	}
	if _, ended := errors.AsType[*watchError](err); ended {
		return err
	}
	if err != nil {
		w.pending = err
		return nil //nolint:nilerr // it is told when the editor has come to rest
	}
	if p == nil {
		return nil
	}
	w.last = stateOf(src.text, p.lockText, read)
	if err := w.clearScreen(); err != nil {
		return err
	}
	if _, err := w.stderr.Write(warnings.Bytes()); err != nil {
		return err
	}
	return reportWritten(w.stdout, p.Plan, p.dir)
}

// planSettled plans from sources whose state before it read them is known, so that no
// change during the work is lost. It plans again when it turns out to depend on others.
// There is no plan when nothing has changed.
func (w *watching) planSettled(ctx context.Context, src *source, warnings *bytes.Buffer) (p *planned, read []byte, err error) {
	for {
		// Watched first: what changes after they are read is told.
		if err := w.follow(w.sources); err != nil {
			return nil, nil, err
		}
		h := sha256.New()
		if _, err := w.sources.WriteTo(h); err != nil {
			w.became(err.Error(), err)
			return nil, nil, nil
		}
		read = h.Sum(nil)
		if !w.became(stateOf(src.text, src.lockText, read), nil) {
			return nil, nil, nil
		}
		warnings.Reset()
		p, err = w.plan(ctx, src, warnings)
		if ctx.Err() != nil || p.sources.Equal(w.sources) {
			return p, read, err
		}
		w.sources = p.sources
		w.last = ""
	}
}

// stateOf names what the package is generated from.
func stateOf(text, lockText, read []byte) string {
	return string(text) + "\x00" + string(lockText) + "\x00" + string(read)
}

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
