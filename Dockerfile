# One shape for every Node image. The build argument SERVICE is its folder (orders-service, payments-service, gateway,
# migrations); the UI, whose pages are built, is the target `ui`. Services need no build: Node runs their TypeScript.
FROM node:24.21.0-alpine AS manifests
ARG SERVICE
WORKDIR /app
# What says which dependencies there are comes first, so that a change of code does not fetch them again.
COPY package.json package-lock.json ./
COPY edge/package.json edge/
COPY messaging/package.json messaging/
COPY ${SERVICE}/package.json ${SERVICE}/

FROM manifests AS dependencies
ARG SERVICE
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace=${SERVICE}

FROM node:24.21.0-alpine AS runtime
ARG SERVICE
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY edge edge
COPY messaging messaging
# A new volume takes on the owner of the folder it is mounted on: the job that makes the passwords writes here.
RUN mkdir -p /secrets/orders-admin /secrets/orders /secrets/payments-admin /secrets/payments && chown -R node:node /secrets
USER node
WORKDIR /app/${SERVICE}
# As scripts/system/services.ts starts them: small heaps, which the memory limits count on.
CMD ["node", "--max-semi-space-size=8", "--max-old-space-size=96", "."]

FROM runtime AS service
ARG SERVICE
COPY ${SERVICE} ./

FROM manifests AS pages
RUN npm ci --ignore-scripts --no-audit --no-fund --workspace=ui
COPY tsconfig.json ./
COPY edge edge
COPY messaging messaging
COPY ui ui
RUN npm run build --workspace=ui

FROM runtime AS ui
COPY ui/*.ts ./
COPY --from=pages /app/ui/dist dist
