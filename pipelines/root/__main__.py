"""`python -m phenotext` is the `phenotext` command."""

from phenotext.pipelines.cli import main

if __name__ == "__main__":
    main()
