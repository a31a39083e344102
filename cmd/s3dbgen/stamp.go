package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	var noted stamped
	if json.Unmarshal(text, &noted) != nil {
		return "", "", false
	}
	now, err := gen.Fingerprint(noted.Dir, noted.Sources, s.inputs...)
	return noted.Dir, noted.Warnings, err == nil && now == noted.Fingerprint
}

// stamped is what a stamp holds.
type stamped struct {
	Fingerprint string      `json:"fingerprint"`
	Dir         string      `json:"dir"`      // of the package
	Warnings    string      `json:"warnings"` // of a run that changes nothing
	Sources     gen.Sources `json:"sources"`
}

// save notes that the directory is up to date, with the lock file as it is now, and
// what a run that changes nothing warns of. A cache that cannot be written is no
// reason to fail.
func (s stamp) save(p *planned) {
	if s.path == "" {
		return
	}
	s.inputs[len(s.inputs)-1] = p.lockText
	fingerprint, err := gen.Fingerprint(p.dir, p.sources, s.inputs...)
	if err != nil {
		return
	}
	text, err := json.Marshal(stamped{Fingerprint: fingerprint, Dir: p.dir, Warnings: p.warnings, Sources: p.sources})
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
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil && closeErr == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // there is no stamp then
	}
}
