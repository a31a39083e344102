package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"

	"github.com/s3dbgen/s3dbgen/gen"
)

// watchedFiles tell of changes of files, which need not exist. Their directories are
// watched and not they themselves, for many editors put a new file into the place of the
// old one.
type watchedFiles struct {
	changed chan struct{} // holds a value when something may have changed since it was read
	failed  chan error    // gets at most one error, after which nothing is told
	close   func()

	watcher *fsnotify.Watcher
	names   map[string]bool // files that are always watched, absolute
	homes   map[string]bool // their directories

	mu      sync.Mutex
	sources gen.Sources
	known   map[string][]string // from a watched directory, without links, to its other paths
}

// watchError ends watching.
type watchError struct {
	dir string
	err error
}

// Error implements error.
func (e *watchError) Error() string { return fmt.Sprintf("watch %s: %v", e.dir, e.err) }

// Unwrap returns the cause.
func (e *watchError) Unwrap() error { return e.err }

// watchFiles begins to watch files, and those behind them when they are symbolic links.
func watchFiles(ctx context.Context, paths ...string) (*watchedFiles, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watchedFiles{
		changed: make(chan struct{}, 1), failed: make(chan error, 1), watcher: watcher,
		names: map[string]bool{}, homes: map[string]bool{},
	}
	if err := w.begin(paths); err != nil {
		_ = watcher.Close() // the first error is the one to report
		return nil, err
	}
	done := make(chan struct{})
	w.close = func() {
		_ = watcher.Close() // nothing is lost
		<-done
	}
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	return w, nil
}

func (w *watchedFiles) begin(paths []string) error {
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		for _, path := range behindLinks(absolute) {
			w.names[path] = true
			w.homes[filepath.Dir(path)] = true
		}
	}
	return w.follow(gen.Sources{})
}

// follow watches sources in place of those before.
func (w *watchedFiles) follow(sources gen.Sources) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sources, w.known = sources, map[string][]string{}
	for dir := range w.homes {
		if err := w.add(dir); err != nil {
			return &watchError{dir, err}
		}
	}
	for _, dir := range sources.Directories() {
		if err := w.add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &watchError{dir, err}
		}
	}
	for _, dir := range w.watcher.WatchList() {
		if _, ok := w.known[dir]; !ok {
			_ = w.watcher.Remove(dir) // one that is gone is not watched either
		}
	}
	return nil
}

// add watches a directory under one path, whatever others lead to it: the system tells
// of each directory once.
func (w *watchedFiles) add(dir string) error {
	direct, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if _, ok := w.known[direct]; !ok {
		if err := w.watcher.Add(direct); err != nil {
			return err
		}
	}
	w.known[direct] = append(w.known[direct], dir)
	return nil
}

// run tells of changes until ctx is done or watching fails.
func (w *watchedFiles) run(ctx context.Context) {
	for {
		select {
		case event, ok := <-w.watcher.Events:
			switch {
			case !ok:
				return
			case event.Has(fsnotify.Remove|fsnotify.Rename) && w.isHome(event.Name):
				w.failed <- fmt.Errorf("%s: the directory is gone", event.Name)
				return
			case w.counts(event.Name):
				w.change()
			}
		case err, ok := <-w.watcher.Errors:
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
}

// isHome reports whether a watched path is the directory of a file that is always
// watched.
func (w *watchedFiles) isHome(direct string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, dir := range w.known[direct] {
		if w.homes[dir] {
			return true
		}
	}
	return false
}

// counts reports whether a path in a watched directory, or such a directory, is one of
// those to tell of.
func (w *watchedFiles) counts(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	paths := append([]string{path}, w.known[path]...)
	for _, dir := range w.known[filepath.Dir(path)] {
		paths = append(paths, filepath.Join(dir, filepath.Base(path)))
	}
	for _, path := range paths {
		if w.names[path] || w.sources.Covers(path) {
			return true
		}
	}
	return false
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
