// Package boltstore keeps a database in one local file, with go.etcd.io/bbolt.
//
// It behaves as S3 does, rules and limits included, so that a program may move to
// a bucket later. A write is on the disk when it returns: commits are fsynced, and
// writes that come together share a commit. One process at a time may have the
// file open.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Options configure a Store.
type Options struct {
	// Existing: fail with s3db.ErrNotFound instead of creating the file.
	Existing bool
	// MetadataLimit in bytes, counted as s3db.Capabilities does; 0 means
	// s3db.DefaultMetadataLimit, with which every S3 server takes the documents.
	MetadataLimit int
	// LockTimeout is how long to wait for another process to let go of the file;
	// 0 means one second. The context of Open may end the wait earlier.
	LockTimeout time.Duration
}

// Store is a database file. It implements s3db.ContentStore and is safe for
// concurrent use.
type Store struct {
	db    *bolt.DB
	path  string
	limit int

	mu     sync.RWMutex // held for reading while a write enters the queue
	closed bool
	queue  chan *write
	done   chan struct{} // closed when the last write is committed
}

var _ s3db.ContentStore = (*Store)(nil)

// fileMode keeps the documents from other users of the machine.
const fileMode = 0o600

// formatVersion is the version of what the file holds. See value.go.
const formatVersion = "1"

// The buckets of a file, and the key of the format version.
const (
	objectsBucket = "objects"
	uploadsBucket = "uploads" // made with the first upload
	infoBucket    = "s3db"
	formatKey     = "format"
)

// Open opens the database file at a path and creates it when there is none. Its
// directory must exist. Errors match s3db.ErrConfig when the path cannot be used
// or another process uses it, s3db.ErrCorrupt when the file is damaged, and
// s3db.ErrNewerFormat when a newer program wrote it.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	if opts.MetadataLimit == 0 {
		opts.MetadataLimit = s3db.DefaultMetadataLimit
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = time.Second
	}
	if deadline, ok := ctx.Deadline(); ok {
		opts.LockTimeout = min(opts.LockTimeout, time.Until(deadline))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	_, err := os.Stat(path)
	created := errors.Is(err, fs.ErrNotExist)
	if created && opts.Existing {
		return nil, fmt.Errorf("%w: there is no file %s", s3db.ErrNotFound, path)
	}
	db, err := openFile(path, max(opts.LockTimeout, time.Millisecond))
	if err != nil {
		return nil, err
	}
	if created {
		err = syncDirectory(filepath.Dir(path))
	}
	if err == nil {
		err = prepare(db, path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{db: db, path: path, limit: opts.MetadataLimit, queue: make(chan *write, queueLength), done: make(chan struct{})}
	go s.commitLoop()
	return s, nil
}

// checkPath finds the usual mistakes before bbolt words them worse.
func checkPath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("%w: no path is named; write file://./shop.db or file:///var/lib/shop.db", s3db.ErrConfig)
	case strings.HasPrefix(path, "~"):
		return fmt.Errorf("%w: %q: ~ is not expanded in a URL; write the whole path", s3db.ErrConfig, path)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("%w: the path holds a NUL", s3db.ErrConfig)
	}
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the directory %q does not exist", s3db.ErrConfig, dir)
	case err != nil:
		return fmt.Errorf("%w: %w", s3db.ErrConfig, err)
	case !info.IsDir():
		return fmt.Errorf("%w: %q is no directory", s3db.ErrConfig, dir)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%w: %q is a directory, not a database file", s3db.ErrConfig, path)
	}
	return nil
}

// openFile opens a file with bbolt.
func openFile(path string, timeout time.Duration) (*bolt.DB, error) {
	var db *bolt.DB
	err := guard(func() (err error) {
		db, err = bolt.Open(path, fileMode, &bolt.Options{Timeout: timeout, FreelistType: bolt.FreelistMapType, NoStatistics: true})
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: the database file %q is in use by another process (or opened twice by this one)", s3db.ErrConfig, path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("%w: the database file %q cannot be opened for writing: %w", s3db.ErrConfig, path, err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, s3db.ErrCorrupt), strings.Contains(err.Error(), "file size too small"):
		return nil, fmt.Errorf("%w: %q is damaged or is no database file: %w", s3db.ErrCorrupt, path, err)
	default:
		return nil, fmt.Errorf("%w: the database file %q: %w", s3db.ErrConfig, path, err)
	}
}

// errEmpty is found in a file that is new.
var errEmpty = errors.New("empty")

// prepare makes the buckets of a new file, and refuses files of other programs
// and of newer formats. It writes to new files only.
func prepare(db *bolt.DB, path string) error {
	err := guard(func() error {
		return db.View(func(tx *bolt.Tx) error { return checkFormat(tx, path) })
	})
	if !errors.Is(err, errEmpty) {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucket([]byte(objectsBucket)); err != nil {
			return err
		}
		info, err := tx.CreateBucket([]byte(infoBucket))
		if err != nil {
			return err
		}
		return info.Put([]byte(formatKey), []byte(formatVersion))
	})
}

func checkFormat(tx *bolt.Tx, path string) error {
	info := tx.Bucket([]byte(infoBucket))
	if info == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return fmt.Errorf("%w: %q is the bbolt file of another program", s3db.ErrConfig, path)
		}
		return errEmpty
	}
	if format := string(info.Get([]byte(formatKey))); format != formatVersion {
		return fmt.Errorf("%w: %q has format %q, this program knows %q", s3db.ErrNewerFormat, path, format, formatVersion)
	}
	if tx.Bucket([]byte(objectsBucket)) == nil {
		return fmt.Errorf("%w: %q has no bucket of objects", s3db.ErrCorrupt, path)
	}
	return nil
}

// syncDirectory makes a new file's name durable. Windows cannot and need not.
func syncDirectory(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Driver opens file://PATH. A path is relative when it does not begin with a
// slash: file://./shop.db and file://shop.db are beside the working directory,
// file:///var/lib/shop.db is absolute, as are file:///C:/shop.db and
// file://C:\shop.db on Windows. It is percent-decoded. ?prefix=NAME puts the
// database under a prefix, so that a file may hold several.
func Driver() s3db.Driver {
	return s3db.Driver{Schemes: []string{"file"}, Open: func(ctx context.Context, req s3db.DriverRequest) (s3db.Store, string, error) {
		for name := range req.URL.Query {
			if name != "prefix" {
				return nil, "", fmt.Errorf("%w: unknown option %q in the URL (known: prefix)", s3db.ErrConfig, name)
			}
		}
		store, err := Open(ctx, pathOf(req.URL.Path, runtime.GOOS), Options{Existing: req.Existing})
		if err != nil {
			return nil, "", err
		}
		return store, strings.Trim(req.URL.Query.Get("prefix"), "/"), nil
	}}
}

// pathOf turns the path of a URL into one of the operating system.
func pathOf(path, goos string) string {
	if rest, ok := strings.CutPrefix(path, "localhost/"); ok { // RFC 8089
		path = "/" + rest
	}
	if goos != "windows" {
		return path
	}
	if len(path) >= 3 && path[0] == '/' && path[2] == ':' { // /C:/shop.db
		path = path[1:]
	}
	return strings.ReplaceAll(path, "/", `\`)
}

// Path returns the path of the file.
func (s *Store) Path() string { return s.path }

// Capabilities implements s3db.Store.
func (s *Store) Capabilities() s3db.Capabilities {
	return s3db.Capabilities{MetadataLimit: s.limit, ConditionalPut: true, ConditionalDelete: true, Local: true}
}

// Close implements s3db.Store. It commits what was handed over before and lets go
// of the file.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.done
	return s.db.Close()
}
