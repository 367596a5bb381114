# The image of deploy/compose.yaml: the service, with the compiler that its searches need and the driver of PostgreSQL.
# The wheel is made with `.venv/bin/pip wheel --no-deps --no-build-isolation -w dist .`, and runs where the C library is no
# older than on the machine that made it.
FROM python:3.11-slim-trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
COPY requirements.lock requirements-postgres.lock dist/slotforge-*.whl /tmp/
RUN pip install --quiet --no-cache-dir -r /tmp/requirements.lock && \
    pip install --quiet --no-cache-dir --no-deps -r /tmp/requirements-postgres.lock && \
    pip install --quiet --no-cache-dir --no-deps /tmp/slotforge-*.whl && \
    useradd --create-home --uid 1000 slotforge && install -d -o slotforge /var/lib/slotforge
USER slotforge
ENV SLOTFORGE_HOME=/var/lib/slotforge
CMD ["slotforge", "serve"]
