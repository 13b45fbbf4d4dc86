// Package content holds guides and tutorials: Markdown files with front matter, ours from the binary and an operator's
// folder laid over them.
//
// # Where files stand
//
// guides/<slug>.md and tutorials/<slug>.md; a translation stands beside as <slug>.de.md. A slug is lower-case letters, digits and
// hyphens, at most 60. Nothing else in the folders counts. A file of the operator's with the same name replaces ours; with "hidden: true" it
// removes ours. A file is at most 128 kB of UTF-8, a folder at most 500 files; links out of the folder are refused.
//
// # A page
//
//	---
//	title: Keys and scopes                # required, ≤ 120 characters; the page's h1, so the text begins at ##
//	summary: What a key may do, and why.  # required, ≤ 300 characters; one sentence for lists and search engines
//	section: Basics                       # guides: required; the heading under which lists put it
//	order: 20                             # required; place in its kind, sections stand by their least. Ties go by slug
//	changed: 2026-11-21                   # required; the day its words last changed, shown to readers
//	apis: [portal]                        # slugs of APIs that it is about
//	tags: [keys, scopes]                  # at most 5, as the forum's
//	hidden: false                         # true takes ours away
//	---
//	Text. Own Markdown: see below.
//
// A translation needs title, summary, changed and, for a guide, section; all else is the English page's. A key that is none of these, a value out of
// its bounds, or a step without its heading leaves the page out. It never stops the portal: the problem is logged and shown to
// staff at /support/pages with file and line; if ours stands below, ours is shown.
//
// # A tutorial
//
// Its front matter has steps besides, in order; each names a heading of level 2 of the text by its id. What stands before
// the first step's heading is the introduction; all up to the next step's heading belongs to the step.
//
//	steps:
//	  - id: make-a-key                    # of "## Make a key"; "## Schlüssel erstellen {#make-a-key}" sets it by hand
//	    check: {kind: key_made}
//	  - id: call-it
//	    check: {kind: first_call, api: orders, scope: "orders:read"}
//	  - id: read-on                       # no check: the reader ticks it by a button
//
// Kinds of check, all about the app that the reader does the tutorial with (api is a slug, "portal" is the portal's own API):
//
//	app_made            there is an app
//	key_made            it has or had a key; api: with a scope of it; environment: live or test
//	access_approved     its access to api (required) is approved
//	first_call          a call was answered VALID; api; scope: by a key that carries it and its route asks for it, or any key that carries it
//	refusal_understood  a call was refused, and one was VALID after it; api; code: such as INSUFFICIENT_SCOPE
//	key_rotated         a key was rotated
//	limits_set          a key of it is bound to networks, origins or a rate of its own; api: with a scope of it
//	old_key_silent      a rotated key was not used any more after its successor was, and is revoked or expired or past its overlap
//
// A tick once seen stays.
//
// # Own Markdown
//
// CommonMark with tables, ~~strikethrough~~ and bare links; relative links lead within the portal (/guides/keys, #a-heading, /apis/portal). Raw
// HTML is left out; images become links.
//
//	Code:      ```go                       highlighted: go, js, ts, python, bash, sh, console, json, yaml, http, nginx, sql, toml, ini,
//	                                       html, xml, css, diff, docker, java, kotlin, csharp, php, ruby, rust, text
//	           ```go title=main.go         a caption above the block (title="two words")
//	Tabs:      ```bash tab=curl            fences one after the other, blank lines between, that all have tab= become one group
//	           ```js tab="Node.js"         of tabs (no JavaScript: radio buttons); each may have title= too
//	Callouts:  > [!NOTE]                   or [!TIP], [!WARNING]: first line of a quote, alone on its line
//	           > Text.
//	Headings:  ## and ###                  get anchors and stand under "On this page"; {#id} sets the id by hand
//	Values:    {{base}}                    this portal's address, such as https://developers.example.com
//	           {{brand}}                   what its keys start with, such as gk
//	Key:       $GATEHOUSE_KEY              write it so in every sample: to a signed-in reader a caption below the block tells which app
//	                                       and key (by hint) it stands for; the text stays as it is, and works in a shell
package content
