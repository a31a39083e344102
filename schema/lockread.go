package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const mergeHelp = "take this file of one side of the merge whole, as in git checkout --theirs, and run s3dbgen generate: it adds what the other side declared"

// ReadLock reads a lock file. File is its path as messages should name it. A
// file that is not there yet is an empty src. The lock is nil when any
// diagnostic is an error.
func ReadLock(file string, src []byte) (*Lock, Diagnostics) {
	r := &reporter{src: newSource(file, src)}
	l := &Lock{src: r.src, resources: map[string]*lockedResource{}, asked: map[string]map[string]bool{}}
	if strings.TrimSpace(r.src.text) == "" {
		return l, nil
	}
	if root := r.readTree(); root != nil {
		(&lockReader{reporter: r, lock: l}).root(root)
	}
	for _, f := range r.found {
		switch f.Code {
		case CodeDuplicateKey, CodeMergeConflict:
			f.Suggestion = mergeHelp
		case CodeEmpty:
			f.Suggestion = "restore the file from version control"
		default:
		}
	}
	found := r.diagnostics()
	if found.HasErrors() {
		return nil, found
	}
	return l, found
}

type lockReader struct {
	*reporter
	lock *Lock
}

// corrupt reports a lock file that no generator wrote.
func (r *lockReader) corrupt(at span, format string, args ...any) {
	r.report(CodeLockCorrupt, at, format, args...).help("restore the file from version control, or " + mergeHelp)
}

// each calls read for the entries of a mapping.
func (r *lockReader) each(n *node, what string, read func(key, value *node)) {
	if n.kind != mappingNode {
		r.corrupt(n.span(), "%s must be a mapping, this is %s", what, n.what())
		return
	}
	for _, pair := range n.pairs {
		read(pair.key, pair.value)
	}
}

func (r *lockReader) root(n *node) {
	if n.kind != mappingNode {
		r.corrupt(n.span(), "a lock file is a mapping, this is %s", n.what())
		return
	}
	format, ok := n.get("format")
	if !ok {
		r.corrupt(span{pos: n.pos}, "format is missing")
		return
	}
	switch version, err := strconv.Atoi(format.value.value); {
	case err != nil || version < 1:
		r.corrupt(format.value.span(), "format must be a number, this is %s", format.value.what())
		return
	case version > LockFormat:
		r.report(CodeLockFormat, format.value.span(), "lock file has format %d, this s3dbgen knows up to %d", version, LockFormat).
			help("it was written by a newer s3dbgen: install that release")
		return
	}
	r.each(n, "a lock file", func(key, value *node) {
		switch key.value {
		case "format":
		case "resources":
			r.each(value, "resources", r.resource)
		default:
			r.corrupt(key.span(), "unknown entry %s", quote(key.value))
		}
	})
}

func (r *lockReader) resource(key, value *node) {
	locked := newLockedResource()
	locked.at = key.span()
	r.lock.resources[key.value] = locked
	r.each(value, "a resource", func(key, value *node) {
		switch key.value {
		case "versions":
			r.each(value, "versions", func(k, v *node) { r.version(locked, k, v) })
		case "shapes":
			r.each(value, "shapes", func(k, v *node) { r.shape(locked, k, v) })
		case "fields":
			r.each(value, "fields", func(k, v *node) { r.field(locked.fields, k, v) })
		case "values":
			r.each(value, "values", func(k, v *node) { r.field(locked.values, k, v) })
		case "removed":
			r.each(value, "removed", func(k, v *node) { r.field(locked.removed, k, v) })
		case "names":
			r.each(value, "names", func(k, v *node) {
				if !v.isText() {
					r.corrupt(v.span(), "a Go name must be a text, this is %s", v.what())
				}
				locked.names[k.value] = v.value
			})
		default:
			r.corrupt(key.span(), "unknown entry %s", quote(key.value))
		}
	})
	r.check(key.value, locked)
}

// maxNumber bounds field numbers.
const maxNumber = 1<<29 - 1

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (r *lockReader) version(locked *lockedResource, key, value *node) {
	n, err := strconv.Atoi(key.value)
	if err != nil || n < 0 || strconv.Itoa(n) != key.value {
		r.corrupt(key.span(), "a version must be a number, this is %s", quote(key.value))
		return
	}
	if !hashPattern.MatchString(value.value) {
		r.corrupt(value.span(), "the hash of a version must be 64 hexadecimal digits, this is %s", value.what())
		return
	}
	for other, hash := range locked.versions {
		if hash == value.value {
			r.report(CodeLockVersion, key.span(), "versions %d and %d of a resource have the same hash", min(n, other), max(n, other)).help(mergeHelp)
			return
		}
	}
	locked.versions[n] = value.value
}

// shape reads the stored shape of a version, which must be the one of its hash.
func (r *lockReader) shape(locked *lockedResource, key, value *node) {
	n, err := strconv.Atoi(key.value)
	if hash, known := locked.versions[n]; err != nil || !known || shapeHash(value.value) != hash {
		r.report(CodeLockVersion, key.span(), "the shape of version %s does not have the hash of that version", quote(key.value)).help(mergeHelp)
		return
	}
	locked.shapes[n] = value.value
}

// field reads {number: 1, type: string, …} into facts.
func (r *lockReader) field(facts map[string]*lockedField, key, value *node) {
	before := len(r.found)
	f := &lockedField{at: key.span(), name: key.value}
	number := func(n *node, to *int) {
		v, err := strconv.Atoi(n.value)
		if err != nil || v < 0 || v > maxNumber {
			r.corrupt(n.span(), "%s is not a number", n.what())
		}
		*to = v
	}
	r.each(value, "an entry", func(k, v *node) {
		switch k.value {
		case "number":
			number(v, &f.number)
		case "name":
			f.name = v.value
		case "type":
			if f.typ = v.value; f.typ == valueType {
				f.typ = ""
			} else if !validSignature(f.typ) {
				r.corrupt(v.span(), "unknown type %s", quote(f.typ))
			}
		case "optional":
			f.optional = v.value == "true"
		case "since":
			number(v, &f.since)
		case "until":
			number(v, &f.until)
		case "from":
			number(v, &f.from)
		case "migrate":
			f.migrate = v.value == "true"
		default:
			r.corrupt(k.span(), "unknown entry %s", quote(k.value))
		}
	})
	if len(r.found) == before {
		facts[key.value] = f
	}
}

var numberPathPattern = regexp.MustCompile(`^[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8})*(=[1-9][0-9]{0,8})?$`)

// check finds contradictions among the facts of a resource: numbers used twice
// or again, fields of objects that are not there.
func (r *lockReader) check(resource string, locked *lockedResource) {
	owners := map[string]*lockedField{} // by number path
	for _, number := range sortedKeys(locked.removed) {
		f := locked.removed[number]
		if !numberPathPattern.MatchString(number) {
			r.corrupt(f.at, "%s is not a path of numbers", quote(number))
			continue
		}
		owners[number] = f
	}
	claim := func(f *lockedField, number, what string) {
		other := owners[number]
		if other == nil {
			owners[number] = f
			return
		}
		report := r.report(CodeLockNumber, f.at, "%s: %s has number %d, which %s has too", quote(resource), what, f.number, quote(other.name))
		if locked.removed[number] == other {
			report.Message = strings.TrimSuffix(report.Message, " too") + " burned"
		}
		report.help(mergeHelp).also(r.src, other.at, "number %d is given here", f.number)
	}
	for _, path := range sortedKeys(locked.fields) {
		f := locked.fields[path]
		number, ok := locked.numberPath(path)
		switch {
		case f.number < 1:
			r.corrupt(f.at, "field %s has no number", quote(path))
		case f.typ == "":
			r.corrupt(f.at, "field %s has no type", quote(path))
		case !ok:
			r.corrupt(f.at, "field %s belongs to an object that has no line", quote(path))
		default:
			claim(f, number, "field "+quote(path))
		}
	}
	for _, key := range sortedKeys(locked.values) {
		f := locked.values[key]
		path, _, isValue := strings.Cut(key, "=")
		number, ok := locked.numberPath(path)
		switch {
		case f.number < 1:
			r.corrupt(f.at, "value %s has no number", quote(key))
		case !ok || !isValue:
			r.corrupt(f.at, "value %s belongs to an enum that has no line", quote(key))
		default:
			claim(f, number+"="+strconv.Itoa(f.number), "value "+quote(key))
		}
	}
}

// numberPath returns the numbers on the way to a field in use, as in "4.1".
func (r *lockedResource) numberPath(path string) (string, bool) {
	names := strings.Split(path, ".")
	numbers := make([]string, len(names))
	for i := range names {
		f := r.fields[strings.Join(names[:i+1], ".")]
		if f == nil {
			return "", false
		}
		numbers[i] = strconv.Itoa(f.number)
	}
	return strings.Join(numbers, "."), true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
