"use strict";
// Answers the question in #passkey-options with a passkey and sends the form.
document.getElementById("use-passkey").addEventListener("click", async () => {
  const asked = JSON.parse(document.getElementById("passkey-options").textContent);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  const credential = await navigator.credentials.get({ publicKey });
  const form = document.getElementById("login-form");
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
});
