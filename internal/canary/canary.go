// Package canary finds secrets in places where they must not be. Tests take
// canaries for secrets, passphrases and credentials; whoever sees one outside of
// ciphertext has found a leak.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Mark is part of every canary: letters and digits, which no escape changes.
const Mark = "k4n4ryB1rdInACage"

// Value returns a canary for a purpose, such as "passphrase".
func Value(purpose string) string { return Mark + "-" + purpose }

// Key returns 32 bytes with a canary in them.
func Key(n byte) []byte { return append([]byte(Mark), bytes.Repeat([]byte{n}, 32-len(Mark))...) }

// form is a way in which bytes can be written down.
type form struct {
	name string
	text []byte
}

// forms are the mark as it is, in hexadecimal, as fmt prints bytes, and in base64 at each of the three
// places where it can stand; what depends on its neighbours is left out.
func forms() []form {
	list := []form{
		{"as it is", []byte(Mark)},
		{"in hexadecimal", []byte(hex.EncodeToString([]byte(Mark)))},
		{"in upper-case hexadecimal", []byte(strings.ToUpper(hex.EncodeToString([]byte(Mark))))},
		{"in bytes", []byte(strings.Trim(fmt.Sprint([]byte(Mark)), "[]"))},
		{"in hexadecimal bytes", fmt.Appendf(nil, "% x", Mark)},
		{"in bytes of Go", []byte(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(Mark)), "[]byte{"), "}"))},
	}
	for before := range 3 {
		padded := append(make([]byte, before), Mark...)
		padded = padded[:len(padded)/3*3]
		for name, encoding := range map[string]*base64.Encoding{"in base64": base64.RawStdEncoding, "in base64url": base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)
			if before > 0 {
				text = text[4:] // the first four characters hold what came before
			}
			list = append(list, form{name, []byte(text)})
		}
	}
	return list
}

// Find returns how a canary is in the data: "as it is", "in base64"; "" when none
// is.
func Find(data []byte) string {
	for _, f := range forms() {
		if bytes.Contains(data, f.text) {
			return f.name
		}
	}
	return ""
}

// FindFiles returns the files below a directory that hold a canary, and how.
func FindFiles(dir string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if how := Find(data); how != "" {
			found[path] = how
		}
		return err
	})
	return found, err
}
