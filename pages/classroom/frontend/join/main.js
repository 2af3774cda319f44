// Entry of the participants' page.
import { find } from "../../../live/frontend/common/dom.js";
import { JoinApp } from "./join_app.js";

new JoinApp(find(document, "#root"));
