package schema

func explainTTL() []Explanation {
	base := attributesOf("      name: string\n      until: datetime\n")
	return []Explanation{
		{
			Code: CodeTTLAfter, Title: "time from which on documents live",
			Text:  "Documents live from their creation (createdAt), from their last update (updatedAt), or from the instant in an attribute of the resource itself, a datetime.",
			Wrong: base + "    ttl: {after: name, for: 1h}\n", Right: base + "    ttl: {after: until, for: 1h}\n",
		},
		{
			Code: CodeTTLFor, Title: "life of documents",
			Text:  "How long documents live is written in weeks, days, hours, minutes and seconds, from a second to 100 years.",
			Wrong: base + "    ttl: 1 month\n", Right: base + "    ttl: 30d\n",
		},
	}
}
