package s3db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Set the content of a document, and read it as a stream, whole or in part.
func ExampleCollection_SetContent() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}

	u, err := db.Users.SetContent(ctx, "ada", strings.NewReader("a picture"), s3db.ContentType("image/png"), s3db.ContentSize(9))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Meta.Content.Type, u.Meta.Content.Size)

	c, err := db.Users.Content(ctx, "ada", s3db.ContentRange{Offset: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	fmt.Println(string(b), err)
	// Output:
	// image/png 9
	// picture <nil>
}

// Ask for content, and delete it without its document.
func ExampleCollection_DeleteContent() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Users.SetContent(ctx, "ada", strings.NewReader("a picture")); err != nil {
		log.Fatal(err)
	}

	fmt.Println(db.Users.HasContent(ctx, "ada"))
	u, err := db.Users.DeleteContent(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Name, u.Meta.Content == nil)
	_, err = db.Users.Content(ctx, "ada")
	fmt.Println(errors.Is(err, s3db.ErrNoContent))
	// Output:
	// true <nil>
	// Ada true
	// true
}

// A URL lets whoever has it read the content for a while. S3 can sign one; memory
// and files cannot.
func ExampleCollection_ContentURL() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()
	if _, err := db.Users.Insert(ctx, ada()); err != nil {
		log.Fatal(err)
	}
	if _, err := db.Users.SetContent(ctx, "ada", strings.NewReader("a picture")); err != nil {
		log.Fatal(err)
	}

	url, err := db.Users.ContentURL(ctx, "ada", s3db.URLOptions{Expires: time.Hour, Filename: "ada.png"})
	if errors.Is(err, s3db.ErrUnsupported) {
		url = "/pictures/ada" // served by the program itself
	}
	fmt.Println(url)
	// Output:
	// /pictures/ada
}
