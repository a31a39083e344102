package behaviors_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/behaviors"
	"github.com/s3dbgen/s3dbgen/behaviors/behaviortest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func TestUserManaged(t *testing.T) {
	behaviortest.Run(t, behaviors.UserManaged, "user-managed", behaviortest.Overflow)
}

func TestEnforceLimits(t *testing.T) {
	behaviortest.Run(t, behaviors.EnforceLimits, "enforce-limits", behaviortest.Refuse)
}

func TestTruncateData(t *testing.T) {
	behaviortest.Run(t, behaviors.TruncateData, "truncate-data", behaviortest.Cut)
}

func TestBodyOverflow(t *testing.T) {
	behaviortest.Run(t, behaviors.BodyOverflow, "body-overflow", behaviortest.Overflow)
}

func TestBodyOnly(t *testing.T) {
	behaviortest.Run(t, behaviors.BodyOnly, "body-only", behaviortest.Body)
}

// story is the document of the seed's example of truncate-data.
type story struct{ Title, Description, Content string }

func encodeStory(e *s3db.Encoder, d *story) {
	e.String(1, d.Title)
	e.String(2, d.Description)
	e.String(3, d.Content)
}

func textsStory(t *s3db.Texts, d *story) {
	t.Add("title", 0, &d.Title)
	t.Add("description", 0, &d.Description)
	t.Add("content", 0, &d.Content)
}

func TestTruncateDataCutsTheLargest(t *testing.T) {
	in := story{"Short Title", strings.Repeat("A", 900), strings.Repeat("B", 2000)}
	d := in
	draft, err := s3db.NewDraft(&d, s3db.DefaultMetadataLimit, nil, encodeStory, textsStory)
	if err != nil {
		t.Fatal(err)
	}
	if err := behaviors.TruncateData.Fit(draft); err != nil {
		t.Fatal(err)
	}
	if d.Title != in.Title || d.Description != in.Description {
		t.Error("a smaller text was cut")
	}
	// Plain letters take a byte each on the wire, so every byte is used.
	if want := strings.Repeat("B", 1082) + "..."; d.Content != want || draft.Size() != s3db.DefaultMetadataLimit {
		t.Errorf("content has %d bytes, want %d; the metadata has %d", len(d.Content), len(want), draft.Size())
	}
}

func Example() {
	d := story{"Short Title", "about it", strings.Repeat("B", 3000)}
	draft, err := s3db.NewDraft(&d, s3db.DefaultMetadataLimit, []string{1: "title", 2: "description", 3: "content"}, encodeStory, textsStory)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(draft.Size(), "bytes of", draft.Limit())
	fmt.Println(behaviors.EnforceLimits.Fit(draft))
	fmt.Println(behaviors.UserManaged.Fit(draft))
	for _, f := range draft.Fields() {
		fmt.Println(f.Name, f.Size, f.InBody)
	}
	// Output:
	// 3070 bytes of 2047
	// S3 metadata size exceeds 2KB limit: 3070 bytes on the wire, limit 2047; the largest attribute is content with 3012
	// <nil>
	// title 23 false
	// description 20 false
	// content 3012 true
}
