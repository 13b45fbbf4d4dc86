// Every page works without this: scripts only make it nicer.
import { copyButtons } from "./copy.js";
import { charts } from "./chart.js";
import { times } from "./times.js";
import { forms } from "./forms.js";
import { keyForm } from "./keyform.js";
import { menus } from "./menus.js";
import { similar } from "./similar.js";
import { desk } from "./desk.js";
import { passkeys } from "./passkey.js";

for (const start of [copyButtons, charts, times, forms, menus, similar, desk, keyForm, passkeys]) start(document);
