// Package transfer moves the documents of a resource between a database and files:
// JSON Lines and CSV, plain or compressed. It needs no generated code.
package transfer

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Format is how documents stand in a file.
type Format struct {
	Records     string // "jsonl" or "csv"
	Compression string // "gzip", "zstd" or ""
}

// FormatOf returns the format that the name of a file says: .jsonl, .ndjson or
// .csv, with .gz or .zst after it. Errors match s3db.ErrConfig.
func FormatOf(name string) (Format, error) {
	var f Format
	base := strings.ToLower(filepath.Base(name))
	switch filepath.Ext(base) {
	case ".gz":
		f.Compression = "gzip"
	case ".zst":
		f.Compression = "zstd"
	}
	if f.Compression != "" {
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	switch filepath.Ext(base) {
	case ".jsonl", ".ndjson":
		f.Records = "jsonl"
	case ".csv":
		f.Records = "csv"
	default:
		return f, fmt.Errorf("%w: the name %q does not say its format: use .jsonl or .csv, with .gz or .zst after it to compress", s3db.ErrConfig, filepath.Base(name))
	}
	return f, nil
}

// reader undoes the compression.
func (f Format) reader(r io.Reader) (io.ReadCloser, error) {
	switch f.Compression {
	case "gzip":
		return gzip.NewReader(r)
	case "zstd":
		d, err := zstd.NewReader(r)
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case "":
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("%w: unknown compression %q", s3db.ErrConfig, f.Compression)
}

// frames is a compressed stream that can be cut: what was written before a cut can
// be read by itself, and what comes after it appended to it.
type frames struct {
	w    io.Writer
	open func(io.Writer) (io.WriteCloser, error)
	now  io.WriteCloser
}

func (f Format) writer(w io.Writer) (*frames, error) {
	open := func(w io.Writer) (io.WriteCloser, error) { return plainWriter{w}, nil }
	switch f.Compression {
	case "gzip":
		open = func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
	case "zstd":
		open = func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
	case "":
	default:
		return nil, fmt.Errorf("%w: unknown compression %q", s3db.ErrConfig, f.Compression)
	}
	return &frames{w: w, open: open}, nil
}

// plainWriter has nothing to close.
type plainWriter struct{ io.Writer }

// Close implements io.Closer.
func (plainWriter) Close() error { return nil }

func (f *frames) Write(b []byte) (int, error) {
	if f.now == nil {
		var err error
		if f.now, err = f.open(f.w); err != nil {
			return 0, err
		}
	}
	return f.now.Write(b)
}

// cut ends the frame.
func (f *frames) cut() error {
	if f.now == nil {
		return nil
	}
	err := f.now.Close()
	f.now = nil
	return err
}
