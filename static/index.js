"use strict";

SwaggerUIBundle({
  url: "/swagger/v1/swagger.json",
  dom_id: "#calls",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
