// Takes the token out of the address, and calls the page's operation with it when the form is sent.
"use strict";

const form = document.getElementById("link");
const told = document.getElementById("told");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
// Nobody who looks at the screen or the history later finds it.
history.replaceState(null, "", location.pathname);

function tell(text) {
  told.textContent = text;
  told.hidden = false;
}

async function send(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  const body = token ? { token } : {};
  for (const field of form.querySelectorAll("input[name]")) body[field.name] = field.value;
  button.disabled = true;
  told.hidden = true;
  try {
    const answer = await fetch(form.dataset.operation, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      document.getElementById("done").hidden = false;
      return;
    }
    const problem = await answer.json();
    const faults = (problem.errors || []).map((fault) => fault.detail);
    tell(faults.length ? faults.join("\n") : problem.detail || problem.title);
  } catch {
    tell("The service cannot be reached. Try again in a moment.");
  }
  button.disabled = false;
}

if (token || form.querySelector("[name=email]")) {
  form.hidden = false;
  form.addEventListener("submit", send);
} else {
  tell("This address is not complete. Open the link of the mail again.");
}
