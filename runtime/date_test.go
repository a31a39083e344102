package s3db

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseDate(t *testing.T) {
	tests := []struct {
		text string
		want Date
		ok   bool
	}{
		{"2024-02-29", Date{2024, time.February, 29}, true},
		{"0001-01-01", Date{1, time.January, 1}, true},
		{"9999-12-31", Date{9999, time.December, 31}, true},
		{"2000-02-29", Date{2000, time.February, 29}, true},
		{text: "1900-02-29"},
		{text: "2023-02-29"},
		{text: "2024-04-31"},
		{text: "2024-13-01"},
		{text: "2024-00-01"},
		{text: "2024-01-00"},
		{text: "0000-01-01"},
		{text: "2024-1-01"},
		{text: "2024/01/01"},
		{text: "+024-01-01"},
		{text: "2024-01-01T00:00:00Z"},
		{text: "٢٠٢٤-01-01"},
		{text: ""},
	}
	for _, tt := range tests {
		got, err := ParseDate(tt.text)
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("ParseDate(%q) = %v, %v, want %v, ok %v", tt.text, got, err, tt.want, tt.ok)
		}
		if tt.ok && got.String() != tt.text {
			t.Errorf("ParseDate(%q).String() = %q", tt.text, got.String())
		}
	}
}

func TestDateEveryDayRoundTrips(t *testing.T) {
	day := Date{1, time.January, 1}
	last := Date{9999, time.December, 31}
	for n := day.days(); ; n++ {
		back, ok := dateFromDays(n)
		if !ok || back != day || !day.IsValid() || day.days() != n {
			t.Fatalf("day %d: got %v, want %v", n, back, day)
		}
		if day == last {
			break
		}
		next := day.AddDays(1)
		if !day.Before(next) || !next.After(day) || next.Compare(day) != 1 {
			t.Fatalf("%v does not come before %v", day, next)
		}
		day = next
	}
	for _, n := range []int64{Date{1, time.January, 1}.days() - 1, last.days() + 1, -1 << 63, 1<<63 - 1} {
		if d, ok := dateFromDays(n); ok {
			t.Errorf("dateFromDays(%d) = %v, want none", n, d)
		}
	}
}

func TestDateJSON(t *testing.T) {
	type doc struct {
		Day   Date  `json:"day"`
		Maybe *Date `json:"maybe,omitzero"`
		None  Date  `json:"none"`
	}
	in := doc{Day: Date{2024, time.January, 15}, Maybe: &Date{1999, time.December, 31}}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"day":"2024-01-15","maybe":"1999-12-31","none":""}`
	if string(data) != want {
		t.Errorf("JSON = %s, want %s", data, want)
	}
	var out doc
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"day":"2024-02-30"}`), &out); err == nil {
		t.Error("a day that does not exist was read")
	}
	if _, err := json.Marshal(Date{2024, time.February, 30}); err == nil {
		t.Error("a day that does not exist was written")
	}
}

func TestDateOfAndTime(t *testing.T) {
	east := time.FixedZone("east", 9*60*60)
	at := time.Date(2024, time.January, 15, 23, 0, 0, 0, time.UTC)
	if got, want := DateOf(at), (Date{2024, time.January, 15}); got != want {
		t.Errorf("DateOf = %v, want %v", got, want)
	}
	if got, want := DateOf(at.In(east)), (Date{2024, time.January, 16}); got != want {
		t.Errorf("DateOf in the east = %v, want %v", got, want)
	}
	if got := (Date{2024, time.January, 15}).Time(nil); !got.Equal(time.Date(2024, time.January, 15, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("Time = %v", got)
	}
	if got := (Date{2024, time.February, 30}).String(); got != "invalid date 2024-2-30" {
		t.Errorf("String = %q", got)
	}
}
