package postgres

import "fmt"

// What becomes of the column of an attribute whose type has changed. The column may
// also be one that somebody else has made.

// evolution is a change of a column's type without loss: to a type, by an expression in
// which %s stands for the column.
type evolution struct{ to, using string }

// evolve decides what a column of a type has to become to hold values for which a
// column of the type wanted would be made. No change is needed when the present type
// holds them all. It reports false when no type holds both, what is there and what
// comes, without loss.
func evolve(present, wanted string) (evolution, bool) {
	if present == wanted || holds(present, wanted) {
		return evolution{}, true
	}
	switch {
	case present == "bigint" && wanted == "numeric":
		return evolution{"numeric", "%s::numeric"}, true
	case present == "bigint" && wanted == "double precision":
		// double precision has 53 bits; numeric holds the values of both.
		return evolution{"numeric", "%s::numeric"}, true
	case present == "double precision" && (wanted == "numeric" || wanted == "bigint"):
		return evolution{"numeric", "%s::text::numeric"}, true // the cast alone would round to 15 digits
	case present == "date" && wanted == "timestamp with time zone":
		return evolution{wanted, "%s::timestamp AT TIME ZONE 'UTC'"}, true
	case wanted == "text":
		if using := asText(present); using != "" {
			return evolution{wanted, using}, true
		}
	case wanted == "jsonb":
		if using := asText(present); using != "" {
			return evolution{wanted, asJSON(present, using)}, true
		}
	}
	return evolution{}, false
}

// holds reports whether a column of the present type takes all values of another as
// they are, or refuses those it cannot take.
func holds(present, wanted string) bool {
	switch present {
	case "text", "character varying", "character", "citext":
		return wanted != "jsonb" && wanted != "bytea"
	case "jsonb", "json":
		return true
	case "numeric":
		return wanted == "bigint" || wanted == "double precision"
	case "smallint", "integer":
		return wanted == "bigint"
	case "timestamp with time zone":
		return wanted == "date"
	case "timestamp without time zone":
		return wanted == "timestamp with time zone" || wanted == "date"
	case "boolean", "bigint", "double precision", "real", "date", "time without time zone", "uuid", "inet", "cidr", "bytea":
		return false
	default: // an enum, a domain, a type of an extension
		return wanted == "text"
	}
}

// asText is the expression that gives the text a value of the type has in documents;
// "" when there is none.
func asText(present string) string {
	switch present {
	case "bigint", "integer", "smallint", "numeric", "double precision", "uuid", "boolean", "text", "character varying":
		return "%s::text"
	case "date":
		return "to_char(%s, 'YYYY-MM-DD')"
	case "timestamp with time zone":
		return `to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
	case "inet":
		return "host(%s)"
	case "bytea":
		return `translate(encode(%s, 'base64'), E'\n', '')`
	default:
		return ""
	}
}

// asJSON is the expression that gives the JSON a value of the type has in documents.
func asJSON(present, text string) string {
	switch present {
	case "bigint", "integer", "smallint", "double precision", "boolean":
		return "to_jsonb(%s)"
	default: // decimals are texts in documents
		return "to_jsonb(" + text + ")"
	}
}

// unevolvable is the error of a column that cannot hold what comes.
func unevolvable(table, column, present, wanted string) error {
	return fmt.Errorf("table %q, column %q: its type %s cannot become %s without loss: rename the column, which keeps what it has, and another one is made; or replicate the resource as documents", table, column, present, wanted)
}
