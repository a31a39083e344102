package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen"
)

// stamp remembers, in the user's cache directory, that a run of generate left
// everything up to date, so that the next one with the same schema and the same
// files knows it in a few milliseconds. Without a cache directory, or with
// S3DBGEN_CACHE=off, generate does all its work each time. "generate --check"
// never trusts a stamp.
type stamp struct {
	path   string // "" when there is no cache
	inputs [][]byte
}

// newStamp returns the stamp for a schema and an output directory as they are
// named in the current directory.
func newStamp(src *source, output string) stamp {
	cache, err := os.UserCacheDir()
	here, hereErr := os.Getwd()
	tool, toolErr := identity()
	if err != nil || hereErr != nil || toolErr != nil || os.Getenv("S3DBGEN_CACHE") == "off" {
		return stamp{}
	}
	key := sha256.Sum256([]byte(strings.Join([]string{here, src.path, output}, "\x00")))
	return stamp{
		path:   filepath.Join(cache, "s3dbgen", hex.EncodeToString(key[:])),
		inputs: [][]byte{[]byte(tool), src.text, src.lockText},
	}
}

// identity names the running program: another build may generate other code.
func identity() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	built, _ := debug.ReadBuildInfo()
	return fmt.Sprint(path, info.Size(), info.ModTime().UnixNano(), built), nil
}

// upToDate returns the directory of the package, and the warnings of the run that
// found it up to date, when nothing has changed since.
func (s stamp) upToDate() (dir, warnings string, ok bool) {
	if s.path == "" {
		return "", "", false
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		return "", "", false
	}
	parts := strings.SplitN(string(text), stampEnd, 3)
	if len(parts) < 3 {
		return "", "", false
	}
	fingerprint, dir, warnings := parts[0], parts[1], parts[2]
	now, err := gen.Fingerprint(dir, s.inputs...)
	return dir, warnings, err == nil && now == fingerprint
}

// stampEnd ends the parts of a stamp; no path has it.
const stampEnd = "\x00"

// save notes that the directory is up to date, with the lock file as it is now, and
// what a run that changes nothing warns of. A cache that cannot be written is no
// reason to fail.
func (s stamp) save(dir, warnings string, lockText []byte) {
	if s.path == "" {
		return
	}
	s.inputs[len(s.inputs)-1] = lockText
	fingerprint, err := gen.Fingerprint(dir, s.inputs...)
	if err != nil {
		return
	}
	const private = 0o700
	if err := os.MkdirAll(filepath.Dir(s.path), private); err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), "*.tmp")
	if err != nil {
		return
	}
	_, err = f.WriteString(fingerprint + stampEnd + dir + stampEnd + warnings)
	if closeErr := f.Close(); err == nil && closeErr == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // there is no stamp then
	}
}
