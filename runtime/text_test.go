package s3db

import (
	"testing"
	"unicode/utf8"
)

func TestArmourTables(t *testing.T) {
	if len(armourDigits) != 91 || len(pageTwo) != 94 || pageTwo['`'-'!'] != '`' || pageTwo['}'-'!'] != 0x200D {
		t.Error("digits or page two:", len(armourDigits), len(pageTwo))
	}
	if n := len(windowLiterals) + len(windowSymbols); n != 92 {
		t.Error("literals and symbols of windows:", len(windowLiterals), len(windowSymbols))
	}
	for i, w := range windows {
		if len(w) > len(windowSymbols) {
			t.Errorf("window %d has %d letters", i, len(w))
		}
	}
	next := 0
	for _, r := range groupRanges {
		if r.index != next {
			t.Errorf("group range %X begins at %d, not at %d", r.low, r.index, next)
		}
		next += int(r.high-r.low) + 1
	}
	if next != groupSize {
		t.Error("size of groups:", next)
	}
	for i := range len(armourDigits) {
		if armourDigit(armourDigits[i]) != i {
			t.Error("digit", i)
		}
	}
}

// Every character there is, alone, between letters of each mode, and in pairs of
// neighbours.
func TestArmourOfEveryCharacter(t *testing.T) {
	for c := rune(0); c <= utf8.MaxRune; c++ {
		if c == 0x20000 {
			c = 0xB7000 // nothing between is treated apart; 753571 is in here
		} else if c == 0xC0000 {
			c = 0x10FF00
		}
		if !utf8.ValidRune(c) {
			continue
		}
		step := "a" + string(c) + "я" + string(c) + "字" + string(c) + "x字" + string(c)
		for _, s := range []string{string(c), step} {
			checkArmour(t, s)
		}
		if t.Failed() {
			return
		}
	}
}

func checkArmour(t *testing.T, s string) {
	t.Helper()
	wire := string(appendArmour(nil, s))
	if !portable(wire) {
		t.Errorf("%q: not portable: %q", s, wire)
	}
	got, err := unarmour(wire)
	if err != nil || got != s {
		t.Errorf("%q → %q → %q, %v", s, wire, got, err)
	}
	if len(wire) > 2+(len(s)*4+2)/3 {
		t.Errorf("%q: %q is longer than base64", s, wire)
	}
}

func FuzzArmour(f *testing.F) {
	for _, s := range []string{"", " ", "  ", " x ", "=?utf-8?", "~`", "Ñandú «ja»", "Привет, Bob|ёж", "5G手机 and 12月, 한국어 사용", "👩‍👩‍👧 ok", "e\u0301", "\x00\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			checkArmour(t, s)
		}
		if text, err := unarmour(s); err == nil {
			if again := string(appendArmour(nil, text)); again != s {
				t.Errorf("%q reads as %q, whose armour is %q", s, text, again)
			}
		}
	})
}
