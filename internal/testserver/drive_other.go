//go:build !linux

package testserver

import (
	"os"
	"path/filepath"
)

// newDrive makes a directory for a server.
func newDrive() (string, error) {
	drive, err := os.MkdirTemp("", "s3dbgen-testserver-")
	if err != nil {
		return "", err
	}
	return drive, os.Mkdir(filepath.Join(drive, "data"), 0o700)
}
