package gen

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Fingerprint is a hash of everything that decides whether a run of the
// generator would change anything: the inputs, such as the tool, the schema and
// the lock file, and the directory as it is, with the names of all its files and
// the content of ours, those of plugins too, and what types and plugins depend on. When
// it is the one of a run that left the directory up to date, nothing has to be
// generated to know that it still is.
func Fingerprint(dir string, sources Sources, inputs ...[]byte) (string, error) {
	h := sha256.New()
	if _, err := sources.WriteTo(h); err != nil {
		return "", err
	}
	part := func(b []byte) {
		// The length keeps apart what is written one after the other.
		_, _ = fmt.Fprintf(h, "%d ", len(b)) // a hash never fails
		_, _ = h.Write(b)
	}
	for _, in := range inputs {
		part(in)
	}
	present, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range present {
		part([]byte(e.Name()))
		part([]byte(e.Type().String()))
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		part(content)
	}
	extra, err := readManifest(dir)
	if err != nil {
		return "", err
	}
	for _, name := range extra.names() {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		part(fmt.Appendf(nil, "%s %s %t", name, extra[name], err == nil))
		part(content)
	}
	_, _ = io.WriteString(h, "end")
	return hex.EncodeToString(h.Sum(nil)), nil
}
