// Package components holds the parts that pages are built from. Text comes in already translated (text.T) and
// formatted; the few words that belong to a part itself ("Copy", "Next") it translates here. No part needs JavaScript.
//
// Index (templ components; {…} marks those that take children):
//
//	actions   Button(label, Kind, attrs…)  LinkButton(label, href, Kind, attrs…)  Action(Act)  Row{…}
//	forms     Form(FormSpec){…}  Input(Field)  TextArea(Field)  Select(Field)  Checkbox(Field)  Radios(Field)
//	          Checkboxes(Field)  ErrorSummary([]Problem)  Fieldset(legend, hint){…}  ScopeTable(Scopes)
//	lists     Table(TableSpec){tr…}  TableEmpty(columns, sentence)  Pagination(Pager)  FilterBar(Filter)  Empty(EmptyState)
//	words     Status(Tone, words)  Tag(text)  Tags([]string)  Badge(text)  Note(Tone, title){…}  Time(Moment)
//	          Facts([]Fact)  Secret(label, value)  Code(CodeBlock)
//	places    PageHead(Heading){actions…}  Section(title, id){…}  Card{…}  Crumbs([]Crumb)  Tabs(label, []Tab)
//	          Tiles([]Tile)  Checklist([]Step)  DangerPanel(title){…}  Columns{…}  Prose{…}  Toc([]TocLink)
//	charts    TimeSeries(Series)  Bars(BarChart)  Sparkline(label, values)
//
// Helpers: MomentAt(ctx, now, t) Moment; Confirm(ctx, question) attrs; FieldID(name) string; FormTokenField (name of the hidden single-use token).
// Every struct is documented where it is declared (*.templ, *.go beside it). Styles for whole pages that have no part of
// their own: home, lead, ways, apis (list of links), topic + meta (list of things to decide), card + pad, row, stack.
//
// In table rows use <td>, <td class="num"> for numbers, <td class="wrap"> for cells that may break, <td class="end">
// for row actions; <th scope="row"> for the cell that names the row.
package components
