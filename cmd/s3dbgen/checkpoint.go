package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// checkpoint is where a transfer stands, in a file beside the one that it reads or
// writes, until it is complete.
type checkpoint struct {
	Database string `json:"database"`
	Resource string `json:"resource"`
	// Of an export: the last id written, the bytes up to it, and the documents.
	After string `json:"after,omitempty"`
	Size  int64  `json:"size,omitempty"`
	// Documents of an export, records of an import.
	Done int `json:"done"`
}

func checkpointPath(path string) string { return path + ".resume" }

// save writes the file so that there is always a whole one.
func (c *checkpoint) save(path string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	name := checkpointPath(path)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// loadCheckpoint reads the file of an interrupted transfer of a resource.
func loadCheckpoint(path, database, resource string) (*checkpoint, error) {
	name := checkpointPath(path)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is nothing to resume: no transfer was interrupted here, or it has not come to its first checkpoint; run it without --resume", name)
	}
	if err != nil {
		return nil, err
	}
	c := &checkpoint{}
	if err := json.Unmarshal(text, c); err != nil || c.Done < 0 || c.Size < 0 {
		return nil, fmt.Errorf("%s: not the checkpoint of a transfer; remove it and run without --resume", name)
	}
	if c.Database != database || c.Resource != resource {
		return nil, fmt.Errorf("%s: is of the resource %q of the database %s, not of %q of %s", name, c.Resource, c.Database, resource, database)
	}
	return c, nil
}

func removeCheckpoint(path string) error {
	err := os.Remove(checkpointPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
