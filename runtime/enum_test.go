package s3db

import (
	"errors"
	"testing"
)

type suit string

// suits has no 2: that value was removed from the schema.
var suits = Enum[suit]{1: "hearts", 3: "spades"}

func TestEnumNumbers(t *testing.T) {
	for value, number := range map[suit]int{"hearts": 1, "spades": 3, "clubs": 0, "": 0} {
		if got := suits.Number(value); got != number {
			t.Errorf("Number(%q) = %d, want %d", value, got, number)
		}
	}
	for number, value := range map[int]suit{1: "hearts", 3: "spades"} {
		if got, ok := suits.Value(number); got != value || !ok {
			t.Errorf("Value(%d) = %q, %v, want %q", number, got, ok, value)
		}
	}
	for _, number := range []int{-1, 0, 2, 4} {
		if got, ok := suits.Value(number); got != "" || ok {
			t.Errorf("Value(%d) = %q, %v, want none", number, got, ok)
		}
	}
}

func TestEnumRules(t *testing.T) {
	for value, want := range map[suit]string{
		"spades": "",
		"":       "validation failed: suit: required: must be set",
		"clubs":  "validation failed: suit: enum: must be one of hearts, spades",
	} {
		var v Validator
		Check(&v, "suit", &value, suits)
		got := ""
		if err := v.Err(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%q): %s, want %s", value, got, want)
		}
	}
	var v Validator
	list := []suit{"spades", "hearts", "spades"}
	Check(&v, "suits", &list, ArrayRules[suit, Enum[suit]]{Unique: true, Items: suits})
	if err := v.Err(); err == nil || err.Error() != "validation failed: suits[2]: unique: repeats suits[0]" {
		t.Errorf("repeated item: %v", err)
	}
}

// A value that is not in the table must not be stored as number 0, nor read as "".
func TestEnumUnknownValues(t *testing.T) {
	e := newEncoder(nil)
	suits.Encode(e, 1, "clubs")
	if err := e.Err(); err == nil {
		t.Error("encoding an unknown value: no error")
	}
	d := newDecoder(&record{meta: []field{{number: 1, text: "2"}}}, nil)
	suits.Decode(d, 1)
	if err := d.Err(); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("decoding a number that is not in use: %v, want ErrNewerFormat", err)
	}
}
