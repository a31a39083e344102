package s3dbgen_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	gomodule "golang.org/x/mod/module"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/foreign"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/release"
	"github.com/s3dbgen/s3dbgen/internal/snippets"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/schema"
)

var server testserver.Shared

func TestMain(m *testing.M) { leaktest.Tests{M: m, Then: []func(){server.Close}}.Main() }

// mostUnchecked is how many blocks of all pages may be exempt from checks.
const mostUnchecked = 8

// checkedElsewhere are blocks that the tests of a package read, by what follows
// their fence. A name ending in a blank stands for all that begin with it.
var checkedElsewhere = map[string]string{
	"example ":   "TestFormatExample",
	"table ":     "TestFormatTables",
	"vectors ":   "TestFormatVectors",
	"yaml shape": "TestDocsShape",
	"json shape": "TestDocsShape",
	"json":       "TestFormatSettings",
}

// pagePatterns are the pages that people read to use the product.
var pagePatterns = []string{"README.md", "docs/*.md", "plugins/*/README.md", "plugins/replicator/*/README.md"}

// pages returns these pages.
func pages(t *testing.T) []*snippets.Page {
	t.Helper()
	all, err := snippets.Read(".", pagePatterns...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSnippets shows that each fenced block of each page is checked by something, but
// for a few that say why not.
func TestSnippets(t *testing.T) {
	t.Parallel()
	tests := declaredTests(t)
	total, unchecked := 0, 0
	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			total++
			switch {
			case block.Unchecked != "":
				unchecked++
			case block.Language == "go", block.Language == "sh", block.IsOutput:
			case block.File != "" && page.HasSession():
			case block.Language == "yaml" && block.Detail != "shape":
				checkYAML(t, block)
			case block.Kind() == "json" && page.Path != "docs/format.md":
				checkJSON(t, block)
			default:
				test := ""
				for kind, by := range checkedElsewhere {
					if block.Kind() == kind || strings.HasSuffix(kind, " ") && strings.HasPrefix(block.Kind(), kind) {
						test = by
					}
				}
				if page.Path != "docs/format.md" || !tests[test] {
					t.Errorf("%s: nothing checks a block of %q; package snippets tells how to write one, or <!-- unchecked: why --> before it", block.Place(), block.Kind())
				}
			}
		}
	}
	t.Logf("%d blocks, %d of them unchecked", total, unchecked)
	if unchecked > mostUnchecked {
		t.Errorf("%d blocks are unchecked, more than %d", unchecked, mostUnchecked)
	}
}

// checkYAML reads a block as a schema, or puts it into one as the fence says: as
// resources, as options of a resource, as attributes.
func checkYAML(t *testing.T, block *snippets.Block) {
	t.Helper()
	const head = "package: shop\nresources:\n"
	body := block.Text
	switch block.Detail {
	case "schema":
	case "replicate":
		return // TestPage of s3dbgen-replicate reads it, with all drivers
	case "resources":
		body = head + indented("  ", body)
	case "resource":
		body = head + "  users:\n    attributes: {name: string}\n" + indented("    ", body)
	case "attributes":
		body = head + "  users:\n    attributes:\n" + indented("      ", body)
	default:
		t.Errorf("%s: a block of yaml is schema, resources, resource or attributes, not %q", block.Place(), block.Detail)
		return
	}
	if _, found := schema.Parse("schema.yaml", []byte(body)); len(found) > 0 {
		t.Errorf("%s: %s\n%s", block.Place(), found, body)
	}
}

// checkJSON reads a block as JSON values, one after the other.
func checkJSON(t *testing.T, block *snippets.Block) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(block.Text)); ; {
		var value any
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", block.Place(), err)
			return
		}
	}
}

func indented(by, text string) string {
	return by + strings.TrimSuffix(strings.ReplaceAll(text, "\n", "\n"+by), by)
}

// TestSnippetsOfGo compiles the Go blocks of all pages, and runs those that show what
// they print.
func TestSnippetsOfGo(t *testing.T) {
	t.Parallel()
	compiler, err := snippets.NewCompiler(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	compiler.Generate = generate
	all := pages(t)
	for _, page := range all {
		if page.HasSession() { // which compiles the files
			page = withoutFiles(page)
		}
		for _, problem := range compiler.Check(page) {
			t.Error(problem)
		}
	}
	if t.Failed() || testing.Short() {
		return
	}
	problems, err := compiler.Run(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// generate returns the files of the package of a schema that is new.
func generate(text string) ([]string, error) {
	s, found := schema.Parse("schema.yaml", []byte(text))
	lock, more := schema.ReadLock("", nil)
	if found = append(found, more...); len(found) == 0 {
		found = s.Assign(lock)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	found, _, err := gosource.Types(context.Background(), s, ".")
	if err := errors.Join(err, found.Err()); err != nil {
		return nil, err
	}
	files, found, err := gen.Generate(s, lock)
	if err := errors.Join(err, found.Err()); err != nil {
		return nil, err
	}
	var sources []string
	for _, f := range files {
		sources = append(sources, string(f.Content))
	}
	return sources, nil
}

func withoutFiles(page *snippets.Page) *snippets.Page {
	return &snippets.Page{Path: page.Path, Blocks: slices.DeleteFunc(slices.Clone(page.Blocks), func(b *snippets.Block) bool { return b.File != "" })}
}

// TestSnippetsOfShell does on the command line what the pages tell to do, each in a
// folder of its own, with the command of this checkout and a real S3 server.
func TestSnippetsOfShell(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/s3dbgen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	walkSources(t, func(file string) { _, _ = os.Stat(file) }) // so that a cached result ends with them
	for _, page := range pages(t) {
		if !page.HasSession() {
			continue
		}
		t.Run(strings.ReplaceAll(page.Path, "/", "_"), func(t *testing.T) {
			t.Parallel()
			if page.Names("go mod ") && testing.Short() {
				t.Skip("builds a program of a user")
			}
			if err := session(t, page, root, bin).Run(t.Context(), page); err != nil {
				t.Error(err)
			}
		})
	}
}

// session prepares what the commands of pages find: in the folder the example and the
// files shop.db and copy.db, and in a bucket called "bucket" the databases shop and old,
// the latter of s3db.js. The shops are those of example/schema.yaml.
func session(t *testing.T, page *snippets.Page, root, bin string) *snippets.Session {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	s := &snippets.Session{
		Dir: dir,
		Env: append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "XDG_CACHE_HOME="+home,
			"GOWORK=off", "GOFLAGS=-buildvcs=false -trimpath", "GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOPATH="+goEnv(t, "GOPATH")),
	}
	if page.Names("s3dbgen@latest") {
		releaseCheckout(t, s, root)
	}
	if page.Names("../s3dbgen") { // which a clone stands beside
		s.Real = append(s.Real, "../s3dbgen", root, "../tasks", filepath.Join(dir, "tasks"), "../app", filepath.Join(dir, "app"))
	}
	if page.Names("s3dbgen docs") {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "example"))); err != nil {
			t.Fatal(err)
		}
	}
	passphrase := canary.Value("passphrase")
	if page.Names("./shop.db") {
		fillShop(t, "file://"+filepath.ToSlash(filepath.Join(dir, "shop.db")), passphrase)
	}
	if page.Names("./copy.db") {
		if err := openShop(t, "file://"+filepath.ToSlash(filepath.Join(dir, "copy.db")), passphrase).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !page.Names("s3://bucket") {
		return s
	}
	server := server.Get(t)
	bucket := server.Bucket(t)
	s.Real = append(s.Real, "s3://bucket/", "s3://"+bucket+"/")
	s.Env = append(s.Env, "AWS_ENDPOINT_URL_S3="+server.Endpoint, "AWS_ACCESS_KEY_ID="+server.AccessKey, "AWS_SECRET_ACCESS_KEY="+server.SecretKey,
		"AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "S3DB_PASSPHRASE="+passphrase)
	if page.Names("s3://bucket/shop") {
		fillShop(t, server.BucketURL(bucket, "shop"), passphrase)
	}
	if page.Names("s3://bucket/old") {
		s.Env = append(s.Env, "S3DBJS_PASSPHRASE="+foreign.Put(t, server, bucket, "old", "s3dbjs/testdata/seed.json", withoutProblems))
	}
	return s
}

// releaseCheckout lets a session download the checkout as a release, and what else it needs
// from the modules that were downloaded before. Nothing of it stays in the caches of the
// machine.
func releaseCheckout(t *testing.T, s *snippets.Session, root string) {
	t.Helper()
	ours, err := release.Proxy(t.Context(), root, gomodule.Version{Path: module, Version: "v0.1.0"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here := "file://" + filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))
	s.Env = append(s.Env, "GOMODCACHE="+t.TempDir(), "GOFLAGS=-buildvcs=false -trimpath -modcacherw",
		"GOPROXY="+ours+","+here+","+goEnv(t, "GOPROXY"), "GONOSUMDB="+module+","+goEnv(t, "GONOSUMDB"))
}

// withoutProblems leaves out documents that s3db.js has stored in a way that a copy
// must report.
func withoutProblems(key string) bool {
	for _, problem := range []string{"resource=vault/", "resource=products/data/id=p1", "resource=products/data/id=p2", "resource=docs-truncate-data/data/id=big"} {
		if strings.Contains(key, problem) {
			return false
		}
	}
	return true
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// openShop creates an empty shop, which the caller closes.
func openShop(t *testing.T, url, passphrase string) *shop.DB {
	t.Helper()
	db, err := shop.Open(t.Context(), url,
		s3db.WithPassphrase(passphrase),
		s3db.WithIDs("products", s3db.ULID),
		s3db.WithPasswordParams(s3db.PasswordParams{Memory: 8, Time: 1, Threads: 1}),
		s3db.WithPlugin(audit.New(audit.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// fillShop creates a shop with a few documents, and leaves it.
func fillShop(t *testing.T, url, passphrase string) {
	t.Helper()
	ctx := audit.WithUser(t.Context(), "ada")
	db := openShop(t, url, passphrase)
	defer func() {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(db.Users.Insert(ctx, shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: s3db.Password(canary.Value("password"))}))
	for _, id := range []shop.OrderID{"o1", "o2"} {
		check(db.Orders.Insert(ctx, shop.OrderInsert{
			ID: id, User: "ada", Status: new(shop.OrderStatusPaid), PlacedAt: time.Date(2025, time.March, 14, 15, 9, 26, 0, time.UTC),
			Items:    []shop.OrderItem{{Product: "tea", Quantity: 2, Price: decimal.RequireFromString("19.90")}},
			Shipping: shop.OrderShipping{Street: "1 Main St", City: "Rio", Country: "BR"},
		}))
	}
	check(db.Reports.Insert(ctx, shop.ReportInsert{ID: "r1", Day: s3db.Date{Year: 2025, Month: 3, Day: 14}, Revenue: decimal.New(1990, -2), Rows: map[string]any{}}))
}

// TestFormatSettings holds the settings that docs/format.md shows to those of the
// resource reviews of the example.
func TestFormatSettings(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	if _, err := shop.New(t.Context(), store, s3db.WithKey("k", make([]byte, 32)), s3db.WithIDs("products", s3db.ULID)); err != nil {
		t.Fatal(err)
	}
	object, err := store.Get(t.Context(), "s3db.json")
	if err != nil {
		t.Fatal(err)
	}
	var registry struct {
		Resources map[string]struct{ Settings map[string]any }
	}
	if err := json.Unmarshal(object.Body, &registry); err != nil {
		t.Fatal(err)
	}
	got := registry.Resources["reviews"].Settings
	delete(got, "hashes")
	page, err := snippets.Read(".", "docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range page[0].Blocks {
		if block.Kind() != "json" {
			continue
		}
		var shown map[string]any
		if err := json.Unmarshal([]byte(block.Text), &shown); err != nil {
			t.Fatalf("%s: %v", block.Place(), err)
		}
		if diff := cmp.Diff(got, shown); diff != "" {
			t.Errorf("%s: (-registry +page)\n%s", block.Place(), diff)
		}
	}
}
