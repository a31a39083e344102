package transfer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/dynamic"
)

// recordReader reads the records of a file. An error of next ends the file, io.EOF
// in good order; a record that is broken has an error of its own.
type recordReader interface {
	next() (record, error)
}

func newRecordReader(f Format, r *dynamic.Resource, in io.Reader) (recordReader, error) {
	switch f.Records {
	case "jsonl":
		return &jsonLinesReader{resource: r, in: bufio.NewReader(in)}, nil
	case "csv":
		return newTableReader(r, in)
	}
	return nil, fmt.Errorf("%w: unknown format %q", s3db.ErrConfig, f.Records)
}

type jsonLinesReader struct {
	resource *dynamic.Resource
	in       *bufio.Reader
	line     int
}

func (j *jsonLinesReader) next() (record, error) {
	for {
		text, err := j.in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, fmt.Errorf("line %d: %w", j.line+1, err)
		}
		if len(text) == 0 {
			return record{}, io.EOF
		}
		j.line++
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		rec := record{line: j.line}
		rec.input, rec.err = j.resource.ParseInput(text)
		return rec, nil
	}
}

type tableReader struct {
	in    *csv.Reader
	table *dynamic.Table
}

func newTableReader(r *dynamic.Resource, in io.Reader) (*tableReader, error) {
	c := csv.NewReader(in)
	c.FieldsPerRecord = -1
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: line 1: the header with the names of the columns is missing", s3db.ErrValidation)
	}
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // spreadsheets write one
	table, err := r.Table(header)
	if err != nil {
		return nil, fmt.Errorf("%w: line 1, %w", s3db.ErrValidation, err)
	}
	return &tableReader{in: c, table: table}, nil
}

func (t *tableReader) next() (record, error) {
	row, err := t.in.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		return record{line: broken.StartLine, err: fmt.Errorf("%w: column %d: %w", s3db.ErrValidation, broken.Column, broken.Err)}, nil
	case err != nil:
		return record{}, err
	}
	line, _ := t.in.FieldPos(0)
	rec := record{line: line}
	rec.input, rec.err = t.table.Input(row)
	return rec, nil
}

// Count returns the number of records of a file, for a progress bar; broken ones
// count.
func Count(f Format, in io.Reader) (int, error) {
	plain, err := f.reader(in)
	if err != nil {
		return 0, err
	}
	defer plain.Close() //nolint:errcheck // reading has told all errors
	n := 0
	if f.Records == "csv" {
		c := csv.NewReader(plain)
		c.FieldsPerRecord, c.ReuseRecord = -1, true
		for {
			_, err := c.Read()
			var broken *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return max(n-1, 0), nil
			case err != nil && !errors.As(err, &broken):
				return 0, err
			}
			n++
		}
	}
	lines := bufio.NewReader(plain)
	for {
		text, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(text)) > 0 {
			n++
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
