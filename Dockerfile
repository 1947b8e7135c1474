# One image for every service: `signalbox sequencer`, `signalbox gateway`, ... Your contracts: mount the folder with your
# signalbox.config.ts over /app/config; without one it serves the example of the bookings.
FROM node:24.21.0-bookworm-slim AS install
WORKDIR /app
RUN npm install --global pnpm@12.21.0
# The lock file alone decides what is fetched: a change of the sources does not fetch again.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN pnpm fetch --prod
COPY . .
RUN pnpm install --prod --frozen-lockfile --offline
# What a config imports, found from whatever folder is mounted over /app/config.
RUN mkdir -p config node_modules/@signalbox \
  && ln -s ../../packages/contract node_modules/@signalbox/contract \
  && ln -s ../../packages/projection node_modules/@signalbox/projection \
  && ln -s ../packages/contract/node_modules/zod node_modules/zod \
  && cp packages/examples/src/bookings/signalbox.config.ts packages/examples/src/bookings/contracts.ts config/

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
  SIGNALBOX_CONFIG=/app/config/signalbox.config.ts \
  SIGNALBOX_HOST=0.0.0.0 \
  SIGNALBOX_PORT=7350
# Root owns it: the service can read its own code and not change it.
COPY --from=install /app /app
WORKDIR /app/config
USER node
EXPOSE 7350
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SIGNALBOX_PORT}/livez`, { signal: AbortSignal.timeout(2000) }).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/app/packages/cli/src/main.ts"]
CMD ["--help"]
