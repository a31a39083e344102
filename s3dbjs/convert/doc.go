// Package convert turns what s3db.js knows of a database into what this project
// needs: its definition into a schema file, and its values into those of the
// resources of such a file.
package convert
