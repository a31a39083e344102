// Package migrate copies the documents of a database of s3db.js into a database of
// this project, with a report in which nothing is missing: what could not be
// copied is named with its reason.
package migrate

import (
	"slices"

	"github.com/s3dbgen/s3dbgen/s3dbjs"
)

// Kinds of problems that are the copy's, beside those of reading. They hold no
// values either.
const (
	Unmapped  s3dbjs.ProblemKind = "unmapped"  // the schema has no such attribute or resource
	Mismatch  s3dbjs.ProblemKind = "mismatch"  // the value is not of the type that the schema wants
	Missing   s3dbjs.ProblemKind = "missing"   // a required attribute has no value: the document was not copied
	Clash     s3dbjs.ProblemKind = "clash"     // another document has the unique value: the document was not copied
	Refused   s3dbjs.ProblemKind = "refused"   // the write was refused: the document or its content was not copied
	Different s3dbjs.ProblemKind = "different" // the target has another document of that id, which was left alone
	Cut       s3dbjs.ProblemKind = "cut"       // the behavior truncate-data cut texts
)

// Report is what a copy found and did.
type Report struct {
	DryRun    bool              `json:"dryRun"`
	Resources []*ResourceReport `json:"resources"`
	// Entries and Claims are the indexes that were written.
	Entries int `json:"entries"`
	Claims  int `json:"claims"`
	// Left are the objects of the old database that are no documents.
	Left     *s3dbjs.Survey   `json:"left"`
	Problems []s3dbjs.Problem `json:"problems"`
}

// ResourceReport counts the documents of one resource. Documents is the sum of
// Copied, Unchanged and Failed.
type ResourceReport struct {
	Name      string `json:"name"`
	Target    string `json:"target"` // its name in the schema; "" when it has none
	Documents int    `json:"documents"`
	Copied    int    `json:"copied"`    // in a dry run: that would be copied
	Unchanged int    `json:"unchanged"` // by an earlier run
	Failed    int    `json:"failed"`
	Contents  int    `json:"contents"` // that were copied
}

// Complete reports whether everything that is stored has been copied, or would be
// in a dry run.
func (r *Report) Complete() bool {
	return r.Left.Others == 0 && !slices.ContainsFunc(r.Problems, s3dbjs.Problem.Lost)
}
