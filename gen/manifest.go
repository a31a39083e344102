package gen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// manifestName is the file that tells which files plugins wrote, with their sums: those
// carry no marker, for they are of any kind.
const manifestName = "s3dbgen.files"

const manifestStart = "# Files that plugins of s3dbgen wrote here, with their sums. Do not edit; commit it beside them.\n"

// manifest has the sum of each file of plugins, by its name.
type manifest map[string]string

// newManifest lists the files of plugins.
func newManifest(files []File) manifest {
	m := manifest{}
	for _, f := range files {
		if f.Plugin != "" {
			m[f.Name] = sum(f.Content)
		}
	}
	return m
}

// readManifest reads the list of an earlier run; without a file it is empty. Lines
// that are none, as a merge leaves them, are no files.
func readManifest(dir string) (manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	m := manifest{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		s, name, ok := strings.Cut(lines.Text(), " ")
		if ok && len(s) == sumSize && wrongName(name) == "" {
			m[name] = s
		}
	}
	return m, err
}

// bytes is the text of the file.
func (m manifest) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(manifestStart)
	for _, name := range m.names() {
		fmt.Fprintf(&b, "%s %s\n", m[name], name)
	}
	return b.Bytes()
}

// wrote reports whether a file is as an earlier run wrote it.
func (m manifest) wrote(name string, present []byte) bool {
	return sum(present) == m[name] || sum(normalLines(present)) == m[name]
}

func (m manifest) names() []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// planExtra plans the files of plugins, the list of them, and the removal of what
// earlier runs wrote. A file of the list that somebody has edited is no longer ours to
// remove.
func (p *Plan) planExtra(files []File) error {
	before, err := readManifest(p.dir)
	if err != nil {
		return err
	}
	now := newManifest(files)
	var errs []error
	for _, f := range files {
		if f.Plugin == "" {
			continue
		}
		if err := p.insideOnly(f.Name); err != nil {
			errs = append(errs, err)
			continue
		}
		_, ours := before[f.Name]
		s, err := compare(filepath.Join(p.dir, filepath.FromSlash(f.Name)), f.Content, marks{
			ours:   func([]byte) bool { return ours },
			edited: func(present []byte) bool { return !before.wrote(f.Name, present) },
		})
		errs = append(errs, err)
		p.steps = append(p.steps, s)
	}
	for _, name := range before.names() {
		if _, ok := now[name]; ok || p.insideOnly(name) != nil {
			continue
		}
		full := filepath.Join(p.dir, filepath.FromSlash(name))
		if present, err := os.ReadFile(full); err == nil && before.wrote(name, present) {
			p.steps = append(p.steps, Step{Path: full, State: LeftOver})
		}
	}
	list := filepath.Join(p.dir, manifestName)
	switch {
	case len(now) > 0:
		s, err := compare(list, now.bytes(), marks{
			ours:   func(present []byte) bool { return bytes.HasPrefix(present, []byte(manifestStart)) },
			edited: func([]byte) bool { return false },
		})
		errs = append(errs, err)
		p.steps = append(p.steps, s)
	case len(before) > 0:
		p.steps = append(p.steps, Step{Path: list, State: LeftOver})
	}
	return errors.Join(errs...)
}

// insideOnly refuses a file whose directory is a link, which could lead anywhere.
func (p *Plan) insideOnly(name string) error {
	dir := p.dir
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		dir = filepath.Join(dir, part)
		info, err := os.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !info.IsDir():
			return &ForeignFileError{Path: dir, What: describe(info.Mode()) + " where a directory should be"}
		}
	}
	return nil
}
