// The API browser: Swagger UI over /openapi.json, and the sign-in above it, which fills in the token.
// The token is kept in this page's memory only; whatever is shown as text goes through textContent.

const find = (id) => document.getElementById(id);
const signInForm = find("sign-in-form");
const signOutForm = find("sign-out-form");
const outcome = find("outcome");
let accessToken = null;
let filledIn = false;

const dark = matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyScheme);
applyScheme();

const browser = window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#browser",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  defaultModelRendering: "example",
  displayRequestDuration: true,
  filter: true,
  showCommonExtensions: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => fillIn(),
});

signInForm.addEventListener("submit", async (submission) => {
  submission.preventDefault();
  const fields = Object.fromEntries(new FormData(signInForm));
  const user = { email: fields.email, password: fields.password };
  if (fields.app_id) user.application = { app_id: fields.app_id, app_secret: fields.app_secret };
  const answer = await post("/users/sign_in.json", { user });
  if (!answer) return;
  accessToken = answer.access_token;
  signInForm.elements.password.value = "";
  signInForm.elements.app_secret.value = "";
  find("who").textContent = `Signed in as ${fields.email} (${answer.role}).`;
  showState("The token is filled in: open an operation below and press Execute.");
});

signOutForm.addEventListener("submit", async (submission) => {
  submission.preventDefault();
  await post("/users/sign_out.json", { user: { access_token: accessToken } });
  accessToken = null;
  showState("Signed out.");
});

function showState(text) {
  signInForm.hidden = accessToken !== null;
  signOutForm.hidden = accessToken === null;
  outcome.textContent = text;
  outcome.classList.remove("failed");
  fillIn();
}

function fillIn() {
  if (accessToken) browser.preauthorizeApiKey("userToken", `auth_token ${accessToken}`);
  else if (filledIn) browser.authActions.logout(["userToken"]);
  filledIn = accessToken !== null;
}

/** Post JSON; answer the JSON of a success, or show what went wrong and answer null. */
async function post(path, body) {
  let problem = "The server could not be reached.";
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    problem = answer.error ?? problem;
  } catch {
    // told below
  }
  outcome.textContent = problem;
  outcome.classList.add("failed");
  return null;
}
