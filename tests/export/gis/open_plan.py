"""Open a plan's GeoPackage in the real QGIS, and say what is seen; run by the system's Python.

    open_plan.py plan.gpkg PROJECT STEP picture.png

STEP is a moment (ISO 8601, UTC); the picture shows the map at that step. One JSON document.
"""

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsDateTimeRange,
    QgsFeatureRequest,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayerTemporalContext,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt


def main(path, name, step, picture):
    """Everything that the test asks for."""
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    opened = project.read(f"geopackage:{path}?projectName={name}")
    begin = QDateTime.fromString(step, Qt.ISODate)
    now = QgsDateTimeRange(begin, begin.addSecs(1))
    layers, frame = {}, {}
    for layer in project.mapLayers().values():
        source = layer.source().partition("layername=")[2]
        layers[source] = {
            "valid": layer.isValid(), "features": layer.featureCount(),
            "crs": layer.crs().authid() if layer.isSpatial() else None,
            "renderer": layer.renderer().type() if layer.isSpatial() else None,
            "categories": len(layer.renderer().categories())
            if layer.isSpatial() and layer.renderer().type() == "categorizedSymbol" else None,
        }  # fmt: skip
        time = layer.temporalProperties()
        if layer.isSpatial() and time.isActive():
            context = QgsVectorLayerTemporalContext()
            context.setLayer(layer)
            request = QgsFeatureRequest()
            request.setFilterExpression(time.createFilterString(context, now))
            frame[source] = sum(1 for _ in layer.getFeatures(request))
    root = project.layerTreeRoot()
    settings = QgsMapSettings()
    settings.setDestinationCrs(project.crs())
    settings.setLayers([node.layer() for node in root.findLayers() if node.isVisible()
                        and node.layer() is not None and node.layer().isSpatial()])  # fmt: skip
    settings.setExtent(project.viewSettings().defaultViewExtent())
    settings.setOutputSize(QSize(1200, 900))
    settings.setIsTemporal(True)
    settings.setTemporalRange(now)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)
    shown = project.timeSettings().temporalRange()
    print(json.dumps({
        "opened": opened, "error": project.error(), "crs": project.crs().authid(),
        "layers": layers, "frame": frame, "title": project.title(),
        "relations": {r.id(): r.isValid() for r in project.relationManager().relations().values()},
        "time": [shown.begin().toString(Qt.ISODate), shown.end().toString(Qt.ISODate)],
        "order": [node.layerId() for node in root.findLayers()],
    }))  # fmt: skip
    sys.stdout.flush()
    # QGIS takes itself apart in no good order.
    os._exit(0)


main(*sys.argv[1:])
