// Package units has types of a program for what is neither money nor text.
package units

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// These are converted. Those whose kind is a struct have its JSON.
type ( //nolint:revive // the comment is of all
	Celsius float64
	Flag    bool
	Wait    time.Duration
	Hash    []byte
	Key     [16]byte
	Host    netip.Addr
	Stamp   time.Time
	Day     s3db.Date
	Weight  decimal.Decimal
	Raw     = json.RawMessage
)

// MarshalText writes the UUID.
func (k Key) MarshalText() ([]byte, error) { return uuid.UUID(k).MarshalText() }

// UnmarshalText reads it.
func (k *Key) UnmarshalText(text []byte) error { return (*uuid.UUID)(k).UnmarshalText(text) }

// MarshalText writes the address.
func (h Host) MarshalText() ([]byte, error) { return netip.Addr(h).MarshalText() }

// UnmarshalText reads it.
func (h *Host) UnmarshalText(text []byte) error { return (*netip.Addr)(h).UnmarshalText(text) }

// Equal compares two addresses.
func (h Host) Equal(other Host) bool { return h == other }

// MarshalJSON writes the instant.
func (s Stamp) MarshalJSON() ([]byte, error) { return time.Time(s).MarshalJSON() }

// UnmarshalJSON reads it.
func (s *Stamp) UnmarshalJSON(text []byte) error { return (*time.Time)(s).UnmarshalJSON(text) }

// Equal compares two instants.
func (s Stamp) Equal(other Stamp) bool { return time.Time(s).Equal(time.Time(other)) }

// MarshalText writes the day.
func (d Day) MarshalText() ([]byte, error) { return s3db.Date(d).MarshalText() }

// UnmarshalText reads it.
func (d *Day) UnmarshalText(text []byte) error { return (*s3db.Date)(d).UnmarshalText(text) }

// MarshalJSON writes the decimal.
func (w Weight) MarshalJSON() ([]byte, error) { return decimal.Decimal(w).MarshalJSON() }

// UnmarshalJSON reads it.
func (w *Weight) UnmarshalJSON(text []byte) error { return (*decimal.Decimal)(w).UnmarshalJSON(text) }

// Equal compares two weights.
func (w Weight) Equal(other Weight) bool { return decimal.Decimal(w).Equal(decimal.Decimal(other)) }

// Moment is stored by its text, an instant.
type Moment struct{ Nanos int64 }

// MarshalText writes the instant in a zone of its own.
func (m Moment) MarshalText() ([]byte, error) {
	const hour = 3600
	return time.Unix(0, m.Nanos).In(time.FixedZone("", hour)).MarshalText()
}

// UnmarshalText reads it.
func (m *Moment) UnmarshalText(text []byte) error {
	var t time.Time
	err := t.UnmarshalText(text)
	m.Nanos = t.UnixNano()
	return err
}

// MarshalJSON writes it in UTC.
func (m Moment) MarshalJSON() ([]byte, error) { return time.Unix(0, m.Nanos).UTC().MarshalJSON() }

// Point is stored by its bytes.
type Point struct{ X, Y uint16 }

// MarshalBinary writes four bytes.
func (p Point) MarshalBinary() ([]byte, error) {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, p.X), p.Y), nil
}

// UnmarshalBinary reads them.
func (p *Point) UnmarshalBinary(data []byte) error {
	const size = 4
	if len(data) != size {
		return errors.New("a point has four bytes")
	}
	p.X, p.Y = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	return nil
}

// MarshalText is the JSON.
func (p Point) MarshalText() ([]byte, error) {
	data, err := p.MarshalBinary()
	return base64.StdEncoding.AppendEncode(nil, data), err
}

// UnmarshalText reads it.
func (p *Point) UnmarshalText(text []byte) error {
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	return p.UnmarshalBinary(data)
}

// Settings are stored by their JSON.
type Settings struct{ Text string }

// MarshalJSON writes them.
func (s Settings) MarshalJSON() ([]byte, error) {
	if s.Text == "" {
		return []byte("{}"), nil
	}
	return []byte(s.Text), nil
}

// UnmarshalJSON reads them.
func (s *Settings) UnmarshalJSON(text []byte) error {
	s.Text = string(text)
	return nil
}

// Equal compares two settings.
func (s Settings) Equal(other Settings) bool {
	var a, b any
	return json.Unmarshal([]byte(s.Text), &a) == nil && json.Unmarshal([]byte(other.Text), &b) == nil && len(s.Text) == len(other.Text)
}
