# The quickstart in a container: installs the locked dependencies, then runs the pipeline on the embedded digits.
#
#   docker build -t menagerie . && docker run --rm menagerie
#
# To keep the page that it ends with, leave out --rm and name the container:
#
#   docker run --name menagerie menagerie && docker cp menagerie:/home/menagerie/repository/reports .
#
# For a GPU of NVIDIA, with its container toolkit on the host:
#
#   docker build --build-arg GPU=1 -t menagerie . && docker run --rm --gpus all menagerie
FROM python:3.12-slim
ARG GPU
ENV GPU=$GPU

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home menagerie
USER menagerie
# Made here, since WORKDIR would give the folder to root, and git works in no folder of another user.
RUN mkdir /home/menagerie/repository
WORKDIR /home/menagerie/repository

# With .git: DVC works in a repository only.
COPY --chown=menagerie:menagerie . .
# Installs now, so that a run needs no network.
RUN make install

CMD ["make", "repro"]
