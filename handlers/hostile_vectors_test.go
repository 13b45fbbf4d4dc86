package handlers_test

import (
	"fmt"
	"html"
	"strings"
)

// scripts are ways to run something, each of which would trip the wire of the test. They are written after what public collections teach
// (OWASP filter evasion, PortSwigger's list, the Markdown ones, DOMPurify's tests) and after what broke other forums.
var scripts = []string{
	`<script>trip()</script>`, `<SCRIPT>trip()</SCRIPT >`, `<script/x>trip()</script>`, `<script src=data:,trip()></script>`, `<script type=module>trip()</script>`,
	`<<script>trip();//<</script>`, `</p><script>trip()</script>`, `<scr<script>ipt>trip()</scr</script>ipt>`, `"><script>trip()</script>`, `'--><script>trip()</script>`,
	`<img src=x onerror=trip()>`, `<img src="x"onerror="trip()">`, `<img/src/onerror=trip()>`, `<img src=x onerror=trip() `, `<IMG """><SCRIPT>trip()</SCRIPT>">`,
	`<img src=x:x onerror=&#116;rip()>`, `<image src=x onerror=trip()>`, `<picture><source srcset=x><img onerror=trip() src=x></picture>`,
	`<svg onload=trip()>`, `<svg/onload=trip()//`, `<svg><script>trip()</script></svg>`, `<svg><animate onbegin=trip() attributeName=x dur=1s>`, `<svg><a xlink:href=javascript:trip()><text y=1em>x`,
	`<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><script>trip()</script></svg>#x">`, `<svg><foreignObject><body onload=trip()>`,
	`<math><mi xlink:href="javascript:trip()">x</mi></math>`, `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=trip()&gt;">`,
	`<iframe src=javascript:parent.trip()>`, `<iframe srcdoc="<script>parent.trip()</script>">`, `<iframe onload=trip()>`, `<object data=javascript:trip()>`, `<embed src=javascript:trip()>`,
	`<body onload=trip()>`, `<body onpageshow=trip()>`, `<details open ontoggle=trip()>x</details>`, `<video src=x onerror=trip()>`, `<video><source onerror=trip()></video>`, `<audio src=x onerror=trip()>`,
	`<input autofocus onfocus=trip()>`, `<select autofocus onfocus=trip()>`, `<textarea autofocus onfocus=trip()>`, `<button autofocus onfocus=trip()>`, `<x tabindex=1 autofocus onfocus=trip()>`,
	`<marquee onstart=trip()>x</marquee>`, `<div onmouseover=trip()>x</div>`, `<p onmouseenter=trip() onpointerover=trip()>x</p>`, `<xss style="animation-name:x" onanimationstart=trip()>`,
	`<style>@keyframes x{}</style><b style="animation-name:x" onanimationstart=trip()>x</b>`, `<style onload=trip()></style>`, `<link rel=stylesheet href=x onerror=trip()>`,
	`<noscript><p title="</noscript><img src=x onerror=trip()>">`, `<template><script>trip()</script></template>`, `<xmp><p title="</xmp><img src=x onerror=trip()>">`,
	`<title><p title="</title><img src=x onerror=trip()>">`, `<textarea><p title="</textarea><img src=x onerror=trip()>">`, `<noembed><img title="</noembed><img src=x onerror=trip()>">`,
	`<form><button formaction=javascript:trip()>x</button>`, `<form id=x action=javascript:trip()><input type=submit>`, `<isindex type=image src=1 onerror=trip()>`,
	`<base href=javascript:trip()//>`, `<meta http-equiv=refresh content="0;url=javascript:trip()">`, `<!--><script>trip()</script>-->`, `<![CDATA[><script>trip()</script>]]>`,
	`<?xml-stylesheet href="javascript:trip()"?>`, `<a href=javascript:trip()>x</a>`, `<a href="jav&#x09;ascript:trip()">x</a>`, `<a href="&#14;javascript:trip()">x</a>`,
	`<a href="data:text/html,<script>trip()</script>">x</a>`, `<a id=trip name=trip>x</a><form id=body>`, `<custom-element onclick=trip()>x`, `\<script>trip()\</script>`, `%3Cscript%3Etrip()%3C/script%3E`,
	`{{constructor.constructor('trip()')()}}`, `${trip()}`, `<%= trip() %>`, `"onmouseover="trip()`, `' autofocus onfocus='trip()`, "`onload=trip()`", `]]><script>trip()</script>`, `--><img src=x onerror=trip()>`,
}

// addresses are where a link would run something.
var addresses = []string{
	`javascript:trip()`, `JaVaScRiPt:trip()`, `java&#x0A;script:trip()`, `javascript&colon;trip()`, `&#106;avascript:trip()`, `\x01javascript:trip()`, ` javascript:trip()`, `javascript://x.example/%0Atrip()`,
	`data:text/html;base64,PHNjcmlwdD50cmlwKCk8L3NjcmlwdD4=`, `data:text/html,<script>trip()</script>`, `data:image/svg+xml,<svg onload=trip()>`, `vbscript:trip()`, `blob:trip()`, `view-source:javascript:trip()`, `feed:javascript:trip()`,
	`https://x.example/"onmouseover="trip()`, `https://x.example/'onmouseover='trip()`, `https://x.example/>"><script>trip()</script>`, `//x.example/<script>trip()</script>`, `<javascript:trip()>`,
}

// carriers are places of Markdown into which a text goes.
var carriers = []string{
	"%s", "# %s", "- %s\n- b", "> %s", "1. a\n   %s", "**%s**", "~~%s~~", "`%s`", "```%s\nx\n```", "```html\n%s\n```", "    %s", "| %s | b |\n|---|---|\n| a | b |", "[%s](https://x.example)", "![%s](https://x.example/a.png)",
	"[a](https://x.example \"%s\")", "[a][r]\n\n[r]: https://x.example '%s'", "<div>\n\n%s\n\n</div>", "> [!NOTE]\n> %s",
}

// doors are places of Markdown into which an address goes.
var doors = []string{"[a](%s)", "[a](<%s>)", "![a](%s)", "<%s>", "[a][r]\n\n[r]: %s", "[![a](%s)](%s)", "%s", "a %s b", "[a](%s 'x')", "<a href=\"%s\">x</a>"}

// hostileTexts is every script in every carrier, and every address behind every door: well over a thousand texts. The shape of some is changed
// besides, as filters are evaded.
func hostileTexts() []string {
	var all []string
	for i, s := range scripts {
		for j, c := range carriers {
			switch text := s; (i + j) % 7 {
			case 3:
				all = append(all, fmt.Sprintf(c, html.EscapeString(text)))
			case 5:
				all = append(all, fmt.Sprintf(c, strings.ReplaceAll(text, "<", "<\u200b")), fmt.Sprintf(c, text))
			default:
				all = append(all, fmt.Sprintf(c, text))
			}
		}
	}
	for _, a := range addresses {
		for _, d := range doors {
			all = append(all, strings.ReplaceAll(d, "%s", a))
		}
	}
	return all
}

// hostileLines are those that fit into one line of at most n characters: for titles, names and tags.
func hostileLines(n int) []string {
	var all []string
	for _, s := range append(append([]string{}, scripts...), addresses...) {
		if len(s) <= n {
			all = append(all, s)
		}
	}
	return all
}
