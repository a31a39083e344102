package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/s3dbgen/s3dbgen/gen"
)

const watchedSchema = "package: shop\nstores: [mem]\nresources: {users: {attributes: {name: string}}}\n"

// watchTest is a run of watch whose changes a test tells.
type watchTest struct {
	t       *testing.T
	dir     string
	changed chan struct{}
	failed  chan error
	out     strings.Builder
	done    chan error
	cancel  context.CancelFunc
}

func startWatch(t *testing.T, text string) *watchTest {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watchTest{t: t, dir: t.TempDir(), changed: make(chan struct{}, 1), failed: make(chan error, 1), done: make(chan error, 1), cancel: cancel}
	w.write(text)
	run := &watching{generation: &generation{schema: filepath.Join(w.dir, "schema.yaml")}, stdout: &w.out, stderr: &w.out, clear: true,
		follow: func(gen.Sources) error { return nil }}
	go func() { w.done <- run.run(ctx, w.changed, w.failed) }()
	synctest.Wait()
	return w
}

func (w *watchTest) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "schema.yaml"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// save writes the schema and returns what was printed at once; an empty text removes it.
func (w *watchTest) save(text string) string {
	w.t.Helper()
	if text == "" {
		if err := os.Remove(filepath.Join(w.dir, "schema.yaml")); err != nil {
			w.t.Fatal(err)
		}
	} else {
		w.write(text)
	}
	w.changed <- struct{}{}
	return w.printed()
}

// after returns what was printed when a time has passed.
func (w *watchTest) after(d time.Duration) string {
	time.Sleep(d) //nolint:forbidigo // in the bubble of the test
	return w.printed()
}

func (w *watchTest) printed() string {
	synctest.Wait()
	text := strings.ReplaceAll(w.out.String(), w.dir+string(filepath.Separator), "")
	w.out.Reset()
	return strings.ReplaceAll(text, "\x1b[H\x1b[2J", "(clear)")
}

// stop ends the run as Ctrl-C does.
func (w *watchTest) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.done; err != nil {
		w.t.Errorf("watch: %v", err)
	}
}

// TestWatchUsesGoodStatesAtOnce writes what can be generated without waiting, and what
// cannot only when the file has settled.
func TestWatchUsesGoodStatesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWatch(t, watchedSchema)
		want := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: printed\n%s\nwant\n%s", what, got, want)
			}
		}
		want("at once", w.printed(), "watching schema.yaml; Ctrl-C ends it\n(clear)wrote schema.lock.yaml\nwrote shop/client.go\nwrote shop/users.go\n")
		want("another resource", w.save(watchedSchema+"# two\n"), "(clear)shop is up to date\n")
		want("the same again", w.save(watchedSchema+"# two\n"), "")

		// A file is empty before it is written: that is no mistake of anybody.
		w.write(" ")
		want("half written", w.save(" "), "")
		want("wholly written", w.save(strings.Replace(watchedSchema, "string", "string, nick: string|optional", 1)),
			"(clear)wrote schema.lock.yaml\nwrote shop/users.go\nwrote shop/users_versions.go\n")
		want("later", w.after(time.Minute), "")
		w.stop()
	})
}

// TestWatchShowsMistakes shows a mistake with its place until it is put right.
func TestWatchShowsMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWatch(t, watchedSchema)
		_ = w.printed()
		broken := strings.Replace(watchedSchema, "string", "strng", 1)
		if got := w.save(broken); got != "" {
			t.Errorf("told before it has settled:\n%s", got)
		}
		if got := w.after(settleTime - 1); got != "" {
			t.Errorf("told before it has settled:\n%s", got)
		}
		const want = `(clear)schema.yaml:3:40: unknown type "strng" [S3D0201]
  3 | resources: {users: {attributes: {name: strng}}}
    |                                        ^^^^^
  help: did you mean "string"?
`
		if got := w.after(1); got != want {
			t.Errorf("printed\n%s\nwant\n%s", got, want)
		}
		if got := w.save(broken) + w.after(time.Minute); got != "" {
			t.Errorf("told again:\n%s", got)
		}
		if got := w.save(watchedSchema); got != "(clear)shop is up to date\n" {
			t.Errorf("put right, printed\n%s", got)
		}
		if got := w.save("") + w.after(time.Minute); got != "(clear)s3dbgen: schema.yaml is missing; waiting for it\n" {
			t.Errorf("removed, printed\n%s", got)
		}
		if got := w.save(watchedSchema); got != "(clear)shop is up to date\n" {
			t.Errorf("made again, printed\n%s", got)
		}
		if got := w.save("package: [\n") + w.save(watchedSchema) + w.after(time.Minute); got != "(clear)shop is up to date\n" {
			t.Errorf("broken for a moment, printed\n%s", got)
		}
		w.stop()
	})
}

// TestWatchEndsWhenItCannotWatch ends with the error of the watcher.
func TestWatchEndsWhenItCannotWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWatch(t, watchedSchema)
		w.failed <- io.ErrUnexpectedEOF
		if err := <-w.done; err != io.ErrUnexpectedEOF { //nolint:errorlint // it is passed on as it is
			t.Errorf("watch: %v", err)
		}
		w.cancel()
	})
}

// watchProcess is a run of the command on real files.
type watchProcess struct {
	t      testing.TB
	dir    string
	output *io.PipeReader
	lines  *bufio.Scanner
	cancel context.CancelFunc
	code   chan int
}

func watchFor(tb testing.TB, dir, file string) *watchProcess {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	reader, writer := io.Pipe()
	w := &watchProcess{t: tb, dir: dir, output: reader, lines: bufio.NewScanner(reader), cancel: cancel, code: make(chan int, 1)}
	go func() {
		w.code <- run(ctx, []string{"watch", "-f", filepath.Join(dir, file)}, strings.NewReader(""), writer, writer)
		_ = writer.Close()
	}()
	return w
}

// wait reads lines until one contains a text. Without one the test fails after a minute.
func (w *watchProcess) wait(text string) {
	w.t.Helper()
	defer time.AfterFunc(time.Minute, func() { _ = w.output.Close() }).Stop()
	var seen []string
	for w.lines.Scan() {
		seen = append(seen, w.lines.Text())
		if strings.Contains(w.lines.Text(), text) {
			return
		}
	}
	w.t.Fatalf("the output ended before %q: %q", text, seen)
}

// end interrupts the command and wants an exit code.
func (w *watchProcess) end(code int) {
	w.t.Helper()
	w.cancel()
	for w.lines.Scan() { // what it still prints must not keep it
	}
	if got := <-w.code; got != code {
		w.t.Errorf("exit code %d, want %d", got, code)
	}
}

// put writes a file as the simplest editors do.
func put(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// replace writes a file as most editors do: whole, under another name.
func replace(tb testing.TB, path, text string) {
	tb.Helper()
	put(tb, path+"~", text)
	if err := os.Rename(path+"~", path); err != nil {
		tb.Fatal(err)
	}
}

// TestWatchFollowsFiles saves a schema in the ways of editors, and waits for what the
// command prints.
func TestWatchFollowsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "schema.yaml")
	with := func(more string) string { return strings.Replace(watchedSchema, "string", "string"+more, 1) }
	put(t, path, watchedSchema)
	w := watchFor(t, dir, "schema.yaml")
	w.wait("wrote " + filepath.Join(dir, "shop", "users.go"))

	put(t, path, with(", a: string"))
	w.wait("S3D0409")
	put(t, path, with(", a: string|optional"))
	w.wait("users.go")
	replace(t, path, with(", a: string|optional, b: string|optional"))
	w.wait("users.go")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.wait("schema.yaml is missing; waiting for it")
	replace(t, path, with(", a: string|optional, b: strng"))
	w.wait("^^^^^")
	replace(t, path, with(", a: string|optional, b: string|optional, c: string|optional"))
	w.wait("users.go")
	if err := os.Remove(filepath.Join(dir, "schema.lock.yaml")); err != nil { // as a checkout of another branch does
		t.Fatal(err)
	}
	w.wait("schema.lock.yaml")
	w.end(exitOK)
}

// TestWatchFollowsLinks watches the file behind a symbolic link.
func TestWatchFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "elsewhere", "real.yaml")
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, target, watchedSchema)
	if err := os.Symlink(filepath.Join("elsewhere", "real.yaml"), filepath.Join(dir, "schema.yaml")); err != nil {
		t.Skip(err)
	}
	w := watchFor(t, dir, "schema.yaml")
	w.wait("users.go")
	replace(t, target, strings.Replace(watchedSchema, "string", "string, a: string|optional", 1))
	w.wait("users.go")
	w.end(exitOK)
}

// TestWatchFollowsTypes looks at a type again when its source changes, also that of a
// package which it imports, and when what was missing comes.
func TestWatchFollowsTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, name := range []string{"money", "digits"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const digits = "package digits\n\ntype Count int64\n"
	put(t, at("go.mod"), "module example.com/shop\n\ngo 1.26\n")
	put(t, at("digits/digits.go"), digits)
	put(t, at("money/money.go"), "package money\n\nimport \"example.com/shop/digits\"\n\ntype Amount = digits.Count\n")
	put(t, at("schema.yaml"), "package: shop\nstores: [mem]\nresources: {orders: {attributes: {total: {type: integer, goType: example.com/shop/money.Amount}}}}\n")
	w := watchFor(t, dir, "schema.yaml")
	w.wait("orders.go")

	replace(t, at("digits/digits.go"), strings.Replace(digits, "int64", "string", 1))
	w.wait("S3D0532")
	replace(t, at("digits/digits.go"), digits)
	w.wait("shop is up to date")
	if err := os.RemoveAll(at("digits")); err != nil {
		t.Fatal(err)
	}
	w.wait("S3D0530")
	if err := os.Mkdir(at("digits"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, at("digits/other.go"), digits)
	w.wait("shop is up to date")
	replace(t, at("go.mod"), "module example.com/other\n\ngo 1.26\n")
	w.wait("S3D0530")
	w.end(exitOK)
}

// TestWatchFollowsPlugins runs a plugin again when something changes that it says it
// reads.
func TestWatchFollowsPlugins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	if err := os.Mkdir(at("words"), 0o700); err != nil {
		t.Fatal(err)
	}
	const script = `printf '{"files": [{"name": "words.txt", "content": "%s"}]}' "$(cat words/*/* words/*)"` + "\n"
	put(t, at("words/a"), "one")
	put(t, at("plugin.sh"), script)
	put(t, at("schema.yaml"), watchedSchema+"plugins: [{name: words, cmd: [sh, plugin.sh], reads: [plugin.sh, words]}]\n")
	w := watchFor(t, dir, "schema.yaml")
	w.wait("words.txt")

	replace(t, at("words/a"), "two")
	w.wait("words.txt")
	if err := os.Mkdir(at("words/more"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.wait("shop is up to date")
	put(t, at("words/more/b"), "three")
	w.wait("words.txt")
	replace(t, at("plugin.sh"), "echo sorry >&2; exit 3\n")
	w.wait("S3D0520")
	replace(t, at("plugin.sh"), script)
	w.wait("shop is up to date")
	w.end(exitOK)
	if got, err := os.ReadFile(at("shop/words.txt")); err != nil || string(got) != "threetwo" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestWatchEndsWithoutDirectory ends when there is nothing left to watch.
func TestWatchEndsWithoutDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w := watchFor(t, dir, "schema.yaml")
	w.wait("schema.yaml is missing")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	w.wait("the directory is gone")
	w.end(exitFailed)

	w = watchFor(t, dir, "schema.yaml")
	w.wait("s3dbgen: watch " + dir)
	w.end(exitFailed)
}

// BenchmarkWatch measures from a saved schema of one resource to its written package.
// The goal is 50 ms.
func BenchmarkWatch(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "schema.yaml")
	texts := []string{bigSchema(1), strings.Replace(bigSchema(1), "max:100", "max:99", 1)}
	put(b, path, texts[0])
	w := watchFor(b, dir, "schema.yaml")
	w.wait("things0.go")
	put(b, path+".1", texts[1])
	i := 0
	for b.Loop() {
		i++
		replace(b, path, texts[i%2])
		w.wait("things0.go")
	}
	w.end(exitOK)
}
