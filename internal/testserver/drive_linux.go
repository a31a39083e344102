package testserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// newDrive makes a directory for a server on a file system with extended
// attributes, in which versitygw keeps metadata; a temporary file system in
// memory may have none.
func newDrive() (string, error) {
	parents := []string{"", "/var/tmp"} // "" is os.TempDir
	if cache, err := os.UserCacheDir(); err == nil {
		parents = append(parents, cache)
	}
	var errs []error
	for _, parent := range parents {
		drive, err := os.MkdirTemp(parent, "s3dbgen-testserver-")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		data := filepath.Join(drive, "data")
		if err = os.Mkdir(data, 0o700); err == nil {
			err = syscall.Setxattr(data, "user.s3dbgen", []byte("x"), 0)
		}
		if err == nil {
			return drive, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", drive, err), os.RemoveAll(drive))
	}
	return "", fmt.Errorf("testserver: no directory with extended attributes (set TMPDIR to one): %w", errors.Join(errs...))
}
