package s3db

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// storedHistory is the part of a resource's settings in the registry that tells
// programs without generated code how documents of older versions become those of
// the newest one (docs/format.md, "Settings").
type storedHistory struct {
	Hashes []string     `json:"hashes,omitempty"` // of the versions in the lock file, by number
	Steps  []storedStep `json:"steps,omitempty"`
}

// storedStep is a [Step] without its functions.
type storedStep struct {
	Version  int                `json:"version"`
	Convert  []storedConversion `json:"convert,omitempty"`
	Function bool               `json:"function,omitempty"` // the program has one
	Drop     []int              `json:"drop,omitempty"`
	Defaults map[int]string     `json:"defaults,omitempty"` // texts by number
}

type storedConversion struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Type string `json:"type"`
}

// storedSettings returns the settings of a resource with its history, as canonical
// JSON; "" when the program does not say what they are.
func (info resourceInfo) storedSettings() (string, error) {
	if info.settings == "" || len(info.hashes) == 0 {
		return info.settings, nil
	}
	history := storedHistory{Hashes: info.hashes}
	for i := range info.steps {
		s, err := info.steps[i].stored()
		if err != nil {
			return "", configError("resource %q: the step to version %d: %w", info.name, info.steps[i].Version, err)
		}
		history.Steps = append(history.Steps, s)
	}
	text, err := plainJSON(history)
	if err != nil {
		return "", err
	}
	// Both are objects with a member at least.
	return strings.TrimSuffix(info.settings, "}") + "," + string(bytes.TrimSpace(text[1:])), nil
}

func (s *Step) stored() (storedStep, error) {
	x := storedStep{Version: s.Version, Function: s.Migrate != nil, Drop: s.Drop}
	for _, c := range s.Convert {
		x.Convert = append(x.Convert, storedConversion{From: c.from, To: c.to, Type: c.typ})
	}
	if s.Defaults == nil {
		return x, nil
	}
	e := newEncoder(nil)
	s.Defaults(e)
	if err := e.Err(); err != nil {
		return x, err
	}
	x.Defaults = map[int]string{}
	for _, f := range e.fields() {
		x.Defaults[f.number] = f.text
	}
	return x, nil
}

// History returns how documents of older versions become those of the newest one,
// as the program that brought it has told: the hashes of the versions in its lock
// file, by number, and the steps. A step that takes a function of the program
// fails with ErrNeedsProgram in its place. Nothing is returned when no program has
// told, which is no matter while there is one version. Errors: ErrNewerFormat for a
// step that this program does not know.
func (r *DescribedResource) History() (hashes []string, steps []Step, err error) {
	newest, ok := r.Newest()
	if !ok || r.Settings == "" {
		return nil, nil, nil
	}
	var members struct {
		Hashes []string        `json:"hashes"`
		Steps  json.RawMessage `json:"steps"`
	}
	if err := json.Unmarshal([]byte(r.Settings), &members); err != nil {
		return nil, nil, fmt.Errorf("%w: the settings of resource %q: %w", ErrCorrupt, r.Name, err)
	}
	if n := len(members.Hashes); n == 0 || members.Hashes[n-1] != newest.Hash {
		return nil, nil, nil // the settings are those of another version
	}
	var stored []storedStep
	if members.Steps != nil {
		d := json.NewDecoder(bytes.NewReader(members.Steps))
		d.DisallowUnknownFields() // a part that is not done would be a wrong document
		if err := d.Decode(&stored); err != nil {
			return nil, nil, fmt.Errorf("%w: the steps between the versions of resource %q: %w", ErrNewerFormat, r.Name, err)
		}
	}
	for i := range stored {
		s, err := stored[i].step()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: resource %q: the step to version %d: %w", ErrNewerFormat, r.Name, stored[i].Version, err)
		}
		steps = append(steps, s)
	}
	return members.Hashes, steps, nil
}

// step returns the step that a program can do without generated code.
func (x *storedStep) step() (Step, error) {
	s := Step{Version: x.Version, Drop: x.Drop}
	for _, c := range x.Convert {
		switch c.Type {
		case typeNumber:
			s.Convert = append(s.Convert, IntToFloat(c.From, c.To))
		case typeDecimal:
			s.Convert = append(s.Convert, IntToDecimal(c.From, c.To))
		default:
			return s, fmt.Errorf("a conversion to %q is not known", c.Type)
		}
	}
	if x.Function {
		s.lacking = true
		s.Migrate = func(*Decoder, *Encoder) error { return ErrNeedsProgram }
	}
	if len(x.Defaults) > 0 {
		s.Defaults = func(e *Encoder) {
			for _, n := range sortedKeys(x.Defaults) {
				if e.begin(n) {
					e.buf = append(e.buf, x.Defaults[n]...)
					e.end()
				}
			}
		}
	}
	return s, nil
}

// needsProgram explains a document that a program without generated code cannot
// bring up to date.
func needsProgram(version int, err error) error {
	if errors.Is(err, ErrNeedsProgram) {
		return fmt.Errorf("%w: version %d takes a function of it for documents that older versions wrote", err, version)
	}
	return fmt.Errorf("version %d: %w", version, err)
}
