package s3db

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Date is a calendar day of the proleptic Gregorian calendar, without a time and
// a zone. It compares with == and orders with Compare. The zero Date is no day:
// required attributes refuse it.
type Date struct {
	Year  int        // 1 to 9999
	Month time.Month // 1 to 12
	Day   int        // 1 to 31
}

// DateOf returns the day of an instant in the instant's own location; use
// t.UTC() for the day in UTC.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// ParseDate reads a day written as YYYY-MM-DD, such as "2024-02-29".
func ParseDate(text string) (Date, error) {
	const shape = "YYYY-MM-DD"
	if len(text) != len(shape) || text[4] != '-' || text[7] != '-' {
		return Date{}, errDate
	}
	year, okYear := digits(text[:4])
	month, okMonth := digits(text[5:7])
	day, okDay := digits(text[8:])
	d := Date{Year: year, Month: time.Month(month), Day: day}
	if !okYear || !okMonth || !okDay || !d.IsValid() {
		return Date{}, errDate
	}
	return d, nil
}

var errDate = errors.New("must be a day of the calendar written YYYY-MM-DD, years 0001 to 9999")

func digits(text string) (n int, ok bool) {
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d == Date{} }

// IsValid reports whether d is a day of the years 1 to 9999.
func (d Date) IsValid() bool {
	if d.Year < 1 || d.Year > 9999 || d.Month < time.January || d.Month > time.December || d.Day < 1 {
		return false
	}
	return d.Day <= daysIn(d.Month, d.Year)
}

func daysIn(m time.Month, year int) int {
	switch m {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// Compare returns -1 when d is before other, +1 when it is after, and 0 when the
// two are the same day.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Before reports whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d is later than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// AddDays returns the day n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// Time returns the start of the day in a location; a nil one means UTC.
func (d Date) Time(loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// String returns the day as YYYY-MM-DD, and "" for the zero Date.
func (d Date) String() string {
	text, err := d.MarshalText()
	if err != nil {
		return fmt.Sprintf("invalid date %d-%d-%d", d.Year, int(d.Month), d.Day)
	}
	return string(text)
}

// MarshalText returns the day as YYYY-MM-DD, and nothing for the zero Date.
func (d Date) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// AppendText appends what MarshalText returns.
func (d Date) AppendText(b []byte) ([]byte, error) {
	if d.IsZero() {
		return b, nil
	}
	if !d.IsValid() {
		return b, errDate
	}
	month, day := int(d.Month), d.Day
	return append(b,
		byte('0'+d.Year/1000), byte('0'+d.Year/100%10), byte('0'+d.Year/10%10), byte('0'+d.Year%10), '-',
		byte('0'+month/10), byte('0'+month%10), '-',
		byte('0'+day/10), byte('0'+day%10)), nil
}

// UnmarshalText reads what MarshalText returns.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// days returns the days since 1970-01-01, negative before it. It counts in years
// that begin in March, so that a leap day is the last one, and in cycles of 400
// years, which have 146,097 days (see "chrono-Compatible Low-Level Date
// Algorithms" by Howard Hinnant).
func (d Date) days() int64 {
	year, month := int64(d.Year), int64(d.Month)-3
	if month < 0 {
		year, month = year-1, month+12
	}
	cycle := year / 400
	if year < 0 {
		cycle = (year - 399) / 400
	}
	year -= cycle * 400
	day := (153*month+2)/5 + int64(d.Day) - 1
	return cycle*daysPerCycle + year*365 + year/4 - year/100 + day - epochDay
}

const (
	daysPerCycle = 146097
	epochDay     = 719468 // days from 0000-03-01 to 1970-01-01
)

// dateFromDays is the inverse of days; it reports false for days outside the
// years 1 to 9999.
func dateFromDays(n int64) (Date, bool) {
	const first, last = -719162, 2932896 // 0001-01-01, 9999-12-31
	if n < first || n > last {
		return Date{}, false
	}
	n += epochDay
	cycle, day := n/daysPerCycle, n%daysPerCycle
	year := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month + 2) / 5
	year += cycle * 400
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	return Date{Year: int(year), Month: time.Month(month), Day: int(day) + 1}, true
}
