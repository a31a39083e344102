package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Apply carries out the plan. Every changed file is first written whole under
// another name in its directory; only when that has succeeded for all of them do
// they take their names, the added ones first. Then left-over files are removed.
// A failure before that leaves everything as it was.
func (p *Plan) Apply() error {
	changes := p.Changes()
	if len(changes) == 0 {
		return nil
	}
	var made []string // directories, to be removed after a failure
	removeMade := func() {
		for _, dir := range slices.Backward(made) {
			_ = os.Remove(dir) // only if it is empty
		}
	}
	for _, s := range changes {
		more, err := makeDir(filepath.Dir(s.Path))
		made = append(made, more...)
		if err != nil {
			removeMade()
			return fmt.Errorf("nothing was written: %w", err)
		}
	}
	temporary := make(map[string]string, len(changes)) // final path → path of the new content
	undo := func() {
		for _, t := range temporary {
			_ = os.Remove(t) // the first error is the one to report
		}
		removeMade()
	}
	for _, s := range changes {
		if s.State == LeftOver {
			continue
		}
		t, err := writeTemporary(s)
		if err != nil {
			undo()
			return fmt.Errorf("nothing was written: %w", err)
		}
		temporary[s.Path] = t
	}
	for _, s := range changes {
		t, ok := temporary[s.Path]
		if !ok {
			continue
		}
		if err := os.Rename(t, s.Path); err != nil {
			undo()
			return err
		}
		delete(temporary, s.Path)
	}
	var errs []error
	for _, s := range changes {
		if s.State == LeftOver {
			errs = append(errs, os.Remove(s.Path))
			for dir := filepath.Dir(s.Path); strings.HasPrefix(dir, p.dir+string(filepath.Separator)); dir = filepath.Dir(dir) {
				if os.Remove(dir) != nil { // it holds other files
					break
				}
			}
		}
	}
	return errors.Join(errs...)
}

// makeDir makes a directory with its parents, and returns those that were missing,
// the deepest last.
func makeDir(dir string) (made []string, err error) {
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		_, err := os.Stat(d)
		if err == nil || d == filepath.Dir(d) {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		made = append(made, d)
	}
	slices.Reverse(made)
	const mode = 0o777 // less the process's umask
	return made, os.MkdirAll(dir, mode)
}

// writeTemporary writes the content of a step beside its place.
func writeTemporary(s Step) (path string, err error) {
	f, err := os.CreateTemp(filepath.Dir(s.Path), "."+filepath.Base(s.Path)+".*.tmp")
	if err != nil {
		return "", err
	}
	mode := s.mode
	if mode == 0 {
		mode = 0o644
	}
	_, err = f.Write(s.content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to report
		return "", err
	}
	return f.Name(), nil
}
