// Package release makes a module proxy of a checkout, so that what the pages tell users to
// do with a release can be done before there is one.
package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Proxy writes a module proxy into dir that serves the module at root, as its working tree
// is, as one version and as the latest. It returns the URL for GOPROXY. Other modules have
// to come from another proxy behind it. Git tells which files belong to the module.
func Proxy(ctx context.Context, root string, version module.Version, dir string) (string, error) {
	escaped, err := module.EscapePath(version.Path)
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o750); err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod")) //nolint:gosec // of the checkout
	if err != nil {
		return "", err
	}
	info, err := json.Marshal(map[string]any{"Version": version.Version, "Time": time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return "", err
	}
	files, err := filesOf(ctx, root)
	if err != nil {
		return "", err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, version, files); err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{
		"list":                    []byte(version.Version + "\n"),
		version.Version + ".info": info,
		version.Version + ".mod":  mod,
		version.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(at, name), content, 0o600); err != nil {
			return "", err
		}
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String(), nil
}

// filesOf returns the files of the module at root: those that git knows or would add,
// without those of modules below it.
func filesOf(ctx context.Context, root string) ([]zip.File, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") //nolint:gosec // the checkout is the caller's
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	other := map[string]bool{} // directories of other modules
	for _, name := range names {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			other[path.Dir(name)] = true
		}
	}
	var files []zip.File
	for _, name := range names {
		f := file{root: root, path: name}
		info, err := f.Lstat()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() || below(name, other) {
			continue // removed, a link, or of another module
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func below(name string, dirs map[string]bool) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if dirs[dir] {
			return true
		}
	}
	return false
}

// file is a file of the module; it implements [zip.File].
type file struct{ root, path string }

func (f file) name() string { return filepath.Join(f.root, filepath.FromSlash(f.path)) }

// Path is the name within the module.
func (f file) Path() string { return f.path }

// Lstat describes the file in the checkout.
func (f file) Lstat() (os.FileInfo, error) { return os.Lstat(f.name()) }

// Open opens the file in the checkout.
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.name()) }
