package gen

import (
	"bytes"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Plan says what has to change on disk so that it holds the generated files.
// Making one only reads.
type Plan struct {
	dir   string // of the package
	steps []Step // in the order of their paths
}

// Step is what a plan does with one file.
type Step struct {
	Path    string
	State   State
	content []byte
	mode    fs.FileMode // permissions of the file it replaces; 0 for a new one
}

// Content returns what the file will hold; nil for one that is removed.
func (s Step) Content() []byte { return s.content }

// State says how a file on disk differs from the generated one.
type State string

// The states.
const (
	Unchanged State = "up to date"
	Missing   State = "missing"
	Stale     State = "stale"          // as an earlier run or another schema made it
	Edited    State = "edited by hand" // its sum does not fit its content
	LeftOver  State = "left over"      // of a resource that the schema no longer has
)

// ForeignFileError says that a file is in the way that this generator did not
// write. It is never overwritten.
type ForeignFileError struct {
	Path string
	What string // "a directory", "a file that s3dbgen did not generate"
}

// Error implements error.
func (e *ForeignFileError) Error() string {
	return fmt.Sprintf("%s: there is %s; move it away, or choose another directory with -o", e.Path, e.What)
}

// NewPlan compares the generated files of a package with the directory. Files of
// ours that are not generated any more are left over; other files are not
// touched. The error is a *ForeignFileError, perhaps several joined, or one of
// the file system.
func NewPlan(dir, packageName string, files []File) (*Plan, error) {
	p := &Plan{dir: filepath.Clean(dir)}
	present, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	var errs []error
	planned := make(map[string]bool, len(files))
	for _, f := range files {
		planned[strings.ToLower(f.Name)] = true
		if f.Plugin != "" {
			continue
		}
		s, err := compare(filepath.Join(dir, f.Name), f.Content, marks{isOurs, isEdited})
		errs = append(errs, err)
		p.steps = append(p.steps, s)
	}
	for _, e := range present {
		// Case is folded because two names may be one file.
		if planned[strings.ToLower(e.Name())] || !strings.HasSuffix(e.Name(), ".go") || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		ours, err := startsOurs(path)
		if ours {
			p.steps = append(p.steps, Step{Path: path, State: LeftOver})
		} else if err == nil {
			err = samePackage(dir, e.Name(), packageName)
		}
		errs = append(errs, err)
	}
	errs = append(errs, p.planExtra(files))
	slices.SortFunc(p.steps, func(a, b Step) int { return strings.Compare(a.Path, b.Path) })
	return p, errors.Join(errs...)
}

// Add plans another file, such as the lock file, outside the directory. It is
// written before the others, and its directory made when it is missing.
func (p *Plan) Add(path string, content []byte) error {
	s, err := compare(path, content, marks{
		ours:   func([]byte) bool { return true },
		edited: func([]byte) bool { return false },
	})
	if err != nil {
		return err
	}
	p.steps = slices.Insert(p.steps, 0, s)
	return nil
}

// AddMarked plans a file that is no Go code. A file that is there and does not hold
// the mark is a *ForeignFileError.
func (p *Plan) AddMarked(path, mark string, content []byte) error {
	s, err := compare(path, content, marks{
		ours:   func(present []byte) bool { return bytes.Contains(present, []byte(mark)) },
		edited: func([]byte) bool { return false }, // it carries no sum
	})
	if err != nil {
		return err
	}
	p.steps = append(p.steps, s)
	return nil
}

// Changes returns the steps that change something.
func (p *Plan) Changes() []Step {
	var list []Step
	for _, s := range p.steps {
		if s.State != Unchanged {
			list = append(list, s)
		}
	}
	return list
}

func readDir(dir string) ([]fs.DirEntry, error) {
	present, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return nil, &ForeignFileError{Path: dir, What: "a file where the directory should be"}
		}
		return nil, err
	}
	return present, nil
}

// marks tell from the content of a file on disk whether an earlier run wrote it, and
// whether somebody has changed it since.
type marks struct{ ours, edited func(present []byte) bool }

// normalLines undoes the line ends that version control may have given a file for
// another system.
func normalLines(content []byte) []byte {
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
}

// compare finds out how the file at path differs from content.
func compare(path string, content []byte, m marks) (Step, error) {
	s := Step{Path: path, content: content}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.State = Missing
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if !info.Mode().IsRegular() {
		return s, &ForeignFileError{Path: path, What: describe(info.Mode())}
	}
	s.mode = info.Mode().Perm()
	present, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	same := bytes.Equal(present, content)
	present = normalLines(present)
	switch {
	case same || bytes.Equal(present, content):
		s.State = Unchanged
	case !m.ours(present):
		return s, &ForeignFileError{Path: path, What: "a file that s3dbgen did not generate"}
	case m.edited(present):
		s.State = Edited
	default:
		s.State = Stale
	}
	return s, nil
}

// samePackage fails when the go command would find another package in the
// directory than the generated one.
func samePackage(dir, name, packageName string) error {
	if match, err := build.Default.MatchFile(dir, name); err != nil || !match || strings.HasSuffix(name, "_test.go") {
		return nil //nolint:nilerr // a file that is not Go is no concern of ours
	}
	path := filepath.Join(dir, name)
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	if err != nil || f.Name.Name == packageName {
		return nil //nolint:nilerr // nor is one that does not compile
	}
	return &ForeignFileError{Path: path, What: fmt.Sprintf("package %s, and a directory holds one package; the generated one is %s", f.Name.Name, packageName)}
}

func describe(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	default:
		return "something that is not a file"
	}
}

// isOurs reports whether a file carries the marker.
func isOurs(content []byte) bool { return bytes.HasPrefix(content, []byte(markerStart)) }

// isEdited reports whether a file is not as it was generated.
func isEdited(content []byte) bool {
	rest, _ := bytes.CutPrefix(content, []byte(markerStart))
	written, body, found := bytes.Cut(rest, []byte(markerEnd))
	return !found || string(written) != sum(body)
}

// startsOurs reports whether the file at path carries the marker.
func startsOurs(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	start := make([]byte, len(markerStart))
	n, err := f.Read(start)
	if closeErr := f.Close(); closeErr != nil {
		return false, closeErr
	}
	if n == 0 && err != nil {
		return false, nil //nolint:nilerr // an empty or unreadable file is not ours
	}
	return isOurs(start[:n]), nil
}
